import * as v from 'valibot';
import type { TaskId } from '../../domain/ids.ts';
import { isFinal, statusOf } from '../../domain/task.ts';
import type { Task } from '../../domain/task.ts';
import { sqlTime, taskIdOfBytes, uuidBytes, uuidRange } from '../identifiers.ts';
import { parseStored, parseStoredJson } from '../parse.ts';
import type { Database, Row } from '../sqljs/database.ts';
import { storedTaskSchema } from '../../protocol/taskSchema.ts';
import { importedProject } from './projects.ts';

const stateRow = v.object({ task_id: v.instance(Uint8Array), state: v.string() });
const placeRow = v.object({ created_at: v.number(), place: v.number() });
const idRow = v.object({ task_id: v.instance(Uint8Array) });
const seqRow = v.tuple([v.object({ seq: v.number() })]);

// Small enough to be garbage before it grows old.
const pageSize = 20;

/** Writes the task's row in the board's table and its state in ours. `seq` is the newest audit row. */
export function saveTask(database: Database, task: Task, projectId: Uint8Array, seq: number): void {
  const id = uuidBytes(task.id);
  const parent = task.origin?.parentAttempt ?? null;
  database.run(
    `INSERT INTO tasks (id, project_id, title, description, status, created_at, updated_at, parent_task_attempt)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
        status = excluded.status, updated_at = excluded.updated_at`,
    [
      id,
      task.origin === undefined ? projectId : importedProject(database, task.origin),
      task.title,
      task.description,
      statusOf(task),
      sqlTime(task.createdAt),
      sqlTime(task.updatedAt),
      parent === null ? null : uuidBytes(parent),
    ],
  );
  database.run(
    `INSERT INTO orchestrator_task (task_id, phase, stage, final, created_at, updated_at, last_seq, state)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (task_id) DO UPDATE SET phase = excluded.phase, stage = excluded.stage, final = excluded.final,
        updated_at = excluded.updated_at, last_seq = excluded.last_seq, state = excluded.state`,
    [
      id,
      task.phase.type,
      task.stage,
      isFinal(task) ? 1 : 0,
      task.createdAt,
      task.updatedAt,
      seq,
      JSON.stringify(task),
    ],
  );
}

/** The task, or null. */
export function loadTask(database: Database, id: TaskId): Task | null {
  const [row] = database.all('SELECT task_id, state FROM orchestrator_task WHERE task_id = ?', [
    uuidBytes(id),
  ]);
  return row === undefined ? null : taskOf(row);
}

/** Every task that is not final, oldest first, in pages: what is passed on need not be held. */
export function* loadOpenTasks(database: Database): Generator<readonly Task[], void> {
  let last: v.InferOutput<typeof placeRow> = { created_at: -1, place: 0 };
  for (;;) {
    const rows = database.all(
      `SELECT created_at, rowid AS place, task_id, state FROM orchestrator_task
        WHERE final = 0 AND (created_at, rowid) > (?, ?) ORDER BY created_at, rowid LIMIT ?`,
      [last.created_at, last.place, pageSize],
    );
    yield rows.map(taskOf);
    if (rows.length < pageSize) return;
    last = parseStored(placeRow, rows.at(-1), 'task row');
  }
}

/** A page of all tasks, newest first. */
export function listTasks(database: Database, limit: number, offset: number): Task[] {
  return database
    .all(
      'SELECT task_id, state FROM orchestrator_task ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?',
      [limit, offset],
    )
    .map(taskOf);
}

/** Ids that begin with the prefix, in their order. */
export function findTaskIds(database: Database, prefix: string, limit: number): TaskId[] {
  const range = uuidRange(prefix);
  if (range === null) return [];
  return database
    .all('SELECT task_id FROM orchestrator_task WHERE task_id BETWEEN ? AND ? ORDER BY task_id LIMIT ?', [
      ...range,
      limit,
    ])
    .map((row) => taskIdOfBytes(parseStored(idRow, row, 'task id').task_id));
}

/** The newest audit row any task was written with; 0 without tasks. */
export function newestTaskSeq(database: Database): number {
  const rows = database.all('SELECT coalesce(max(last_seq), 0) AS seq FROM orchestrator_task');
  return parseStored(seqRow, rows, 'sequence number')[0].seq;
}

function taskOf(row: Row): Task {
  const { task_id: id, state } = parseStored(stateRow, row, 'task row');
  return parseStoredJson(storedTaskSchema, state, `task ${taskIdOfBytes(id)}`);
}
