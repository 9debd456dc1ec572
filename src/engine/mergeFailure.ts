import * as v from 'valibot';
import type { TaskId } from './domain/ids.ts';
import type { Engine, Records } from './engine.ts';
import { OrchestratorError } from './ports/errors.ts';

const rowsAtOnce = 1_000;

const failedMerge = v.object({
  failure: v.object({ message: v.string(), remedy: v.optional(v.string()) }),
});

type FailedMerge = v.InferOutput<typeof failedMerge>['failure'];

/**
 * Waits until what an accepted task set going has ended. Resolves with why it was not merged, as a `merge-conflict`; with
 * null when it is done.
 */
export async function mergeFailure(
  engine: Pick<Engine, 'settled'> & { readonly records: Pick<Records, 'task' | 'audit'> },
  taskId: TaskId,
): Promise<OrchestratorError | null> {
  await engine.settled(taskId);
  const task = await engine.records.task(taskId);
  if (task?.phase.type === 'done') return null;
  const failure = await lastFailedMerge(engine.records, taskId);
  return new OrchestratorError('merge-conflict', failure?.message ?? 'The merge failed.', {
    remedy: failure?.remedy ?? 'Merge the branch yourself, then accept the task with merge "none".',
  });
}

async function lastFailedMerge(records: Pick<Records, 'audit'>, taskId: TaskId): Promise<FailedMerge | null> {
  let last: FailedMerge | null = null;
  for (let after = 0; ;) {
    const rows = await records.audit({ taskId, after, limit: rowsAtOnce });
    const row = rows.findLast(({ type }) => type === 'merge.failed');
    if (row !== undefined) last = v.parse(failedMerge, row.data).failure;
    const newest = rows.at(-1);
    if (newest === undefined || rows.length < rowsAtOnce) return last;
    after = newest.seq;
  }
}
