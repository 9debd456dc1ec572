import type { Digest } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';

/** The specification a person wants to read: the one that waits for approval, else the accepted, else the newest. */
export function specificationDigest(task: Task): Digest | null {
  if (task.phase.type === 'gate') return task.phase.digest;
  return task.accepted.specification ?? newestOutput(task, 'specification');
}

/** The newest QA report, whatever its verdict. */
export function qaReportDigest(task: Task): Digest | null {
  return newestOutput(task, 'qa');
}

function newestOutput(task: Task, stage: 'specification' | 'qa'): Digest | null {
  return task.runs.findLast((run) => run.stage === stage && run.outputDigest !== null)?.outputDigest ?? null;
}
