import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Digest, TaskId } from '../../domain/ids.ts';
import { stages } from '../../domain/stage.ts';
import type { NewBundle, StoredBundle } from '../../ports/store.ts';
import { taskIdOfBytes, uuidBytes } from '../identifiers.ts';
import { damaged, parseStored } from '../parse.ts';
import type { Database, Row } from '../sqljs/database.ts';
import { digestSchema, runIdSchema } from '../../protocol/taskSchema.ts';

const columns = 'task_id, run_id, stage, version, context.digest, created_at';

const contextRow = v.object({
  task_id: v.instance(Uint8Array),
  run_id: v.nullable(runIdSchema),
  stage: v.picklist(['request', ...stages]),
  version: v.number(),
  digest: digestSchema,
  created_at: v.number(),
});
const bodyRow = v.object({ body: v.string() });

/** Stores the body under its digest, once, and records it as the next version of the task's context of that stage. */
export function saveBundle(database: Database, bundle: NewBundle, createdAt: number): void {
  if (sha256(bundle.body) !== bundle.digest)
    throw new Error(`a bundle is not what its digest ${bundle.digest} says`);
  const id = uuidBytes(bundle.taskId);
  saveBody(database, bundle);
  database.run(
    `INSERT INTO orchestrator_context (task_id, run_id, stage, version, digest, created_at)
      SELECT ?1, ?2, ?3, coalesce(max(version), 0) + 1, ?4, ?5
      FROM orchestrator_context WHERE task_id = ?1 AND stage = ?3`,
    [id, bundle.runId, bundle.stage, bundle.digest, createdAt],
  );
}

/** Puts a context back under the version and time it had; the same one again changes nothing. */
export function restoreContext(database: Database, context: StoredBundle): void {
  saveBody(database, context);
  database.run(
    `INSERT INTO orchestrator_context (task_id, run_id, stage, version, digest, created_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (task_id, stage, version) DO NOTHING`,
    [
      uuidBytes(context.taskId),
      context.runId,
      context.stage,
      context.version,
      context.digest,
      context.createdAt,
    ],
  );
}

function saveBody(database: Database, { digest, body }: NewBundle): void {
  database.run(
    'INSERT INTO orchestrator_bundle (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING',
    [digest, body],
  );
}

/** The bundle as it was first recorded, checked against its digest; null when there is none. */
export function loadBundle(database: Database, digest: Digest): StoredBundle | null {
  const [row] = database.all(
    `SELECT ${columns}, body FROM orchestrator_context AS context JOIN orchestrator_bundle USING (digest)
      WHERE context.digest = ? ORDER BY id LIMIT 1`,
    [digest],
  );
  if (row === undefined) return null;
  const { body } = parseStored(bodyRow, row, 'context');
  if (sha256(body) !== digest) throw damaged(`context ${digest}`, 'its bytes are not what its digest says');
  return { ...contextOf(row), body };
}

/** All contexts of a task, oldest first. */
export function listBundles(database: Database, taskId: TaskId): Omit<StoredBundle, 'body'>[] {
  return database
    .all(`SELECT ${columns} FROM orchestrator_context AS context WHERE task_id = ? ORDER BY id`, [
      uuidBytes(taskId),
    ])
    .map(contextOf);
}

function contextOf(row: Row): Omit<StoredBundle, 'body'> {
  const context = parseStored(contextRow, row, 'context');
  return {
    digest: context.digest,
    taskId: taskIdOfBytes(context.task_id),
    runId: context.run_id,
    stage: context.stage,
    version: context.version,
    createdAt: context.created_at,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
