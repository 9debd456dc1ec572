import type { DomainEvent } from '../../domain/events.ts';
import { evolve } from '../../domain/evolve.ts';
import type { TaskId } from '../../domain/ids.ts';
import { emptyState } from '../../domain/state.ts';
import type { Task } from '../../domain/task.ts';
import { TaskMap } from '../../domain/taskMap.ts';
import { OrchestratorError } from '../../ports/errors.ts';
import type { ArchiveImport } from '../../ports/store.ts';
import type { ArchiveLine } from '../../protocol/archive.ts';
import { damaged } from '../parse.ts';
import { appendAudit, appendAuditRow, type AuditHead } from '../sql/audit.ts';
import { restoreContext } from '../sql/bundles.ts';
import { saveRun } from '../sql/runs.ts';
import { findTaskIds, loadTask, saveTask } from '../sql/tasks.ts';
import type { Database } from '../sqljs/database.ts';
import { archiveLines, bad } from './archiveLines.ts';
import type { CheckedArchive } from './checkArchive.ts';

/**
 * Takes in, in one transaction, every task of the export that is not here: its audit rows in their order, its contexts
 * and its state, and behind them all one row for each task that tells of the arrival. Into an empty storage the rows
 * come with the very hashes they had.
 */
export function takeInArchive(
  database: Database,
  archive: CheckedArchive,
  here: { readonly head: AuditHead; readonly projectId: Uint8Array; readonly now: number },
): { readonly result: ArchiveImport; readonly head: AuditHead } {
  const fresh = new Set<TaskId>();
  for (const id of archive.taskIds) if (findTaskIds(database, id, 1).length === 0) fresh.add(id);
  const { repositoryPath, sha256 } = archive;
  const counts = {
    imported: fresh.size,
    known: archive.taskIds.size - fresh.size,
    repositoryPath,
    sha256,
  };
  if (fresh.size === 0) return { result: { ...counts, rows: null }, head: here.head };
  return whole(database, () => {
    let head = here.head;
    for (const line of archiveLines(archive.fd))
      if (isOf(fresh, line)) head = takeIn(database, line, head, here.projectId);
    const firstArrival = head.seq + 1;
    for (const id of fresh) head = arrive(database, id, archive, { ...here, head });
    const rows = { first: here.head.seq + 1, firstArrival, last: head.seq };
    return { result: { ...counts, rows }, head };
  });
}

/** What the checks let pass and the tables do not is the file's fault as well. */
function whole<Result>(database: Database, work: () => Result): Result {
  try {
    return database.transaction(work);
  } catch (error) {
    if (OrchestratorError.is(error)) throw error;
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

function isOf(ids: ReadonlySet<TaskId>, line: ArchiveLine): boolean {
  if (line.type === 'task') return ids.has(line.task.id);
  return 'task_id' in line && ids.has(line.task_id);
}

function takeIn(database: Database, line: ArchiveLine, head: AuditHead, projectId: Uint8Array): AuditHead {
  switch (line.type) {
    case 'audit': {
      const { at, task_id: taskId, event: type, actor, cause, data } = line;
      return appendAuditRow(database, head, { at, taskId, type, actor, cause, data: JSON.stringify(data) });
    }
    case 'task':
      saveTask(database, line.task, projectId, head.seq);
      return head;
    case 'context':
      restoreContext(database, {
        digest: line.digest,
        taskId: line.task_id,
        runId: line.run_id,
        stage: line.stage,
        version: line.version,
        createdAt: line.created_at,
        body: line.body,
      });
      return head;
    default:
      return head;
  }
}

function arrive(
  database: Database,
  id: TaskId,
  { sha256, head: theirs, seq }: CheckedArchive,
  here: { readonly head: AuditHead; readonly projectId: Uint8Array; readonly now: number },
): AuditHead {
  const task = loadTask(database, id);
  if (task === null) throw damaged(`task ${id}`, 'it is missing');
  const event: DomainEvent = {
    type: 'task.moved-in',
    taskId: id,
    at: here.now,
    data: { file: sha256, head: theirs, seq },
  };
  const arrived = afterArrival(task, event);
  const { head } = appendAudit(database, here.head, [event], { actor: 'person', cause: 'import' });
  saveTask(database, arrived, here.projectId, head.seq);
  for (const run of arrived.runs) saveRun(database, id, run);
  return head;
}

function afterArrival(task: Task, event: DomainEvent): Task {
  return evolve({ ...emptyState, tasks: TaskMap.of([task]) }, event).tasks.get(task.id) ?? task;
}
