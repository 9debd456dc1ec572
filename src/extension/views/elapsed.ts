import type { SlotPort } from '../../engine/domain/allocation.ts';
import type { Task } from '../../engine/domain/task.ts';

/** The views tick so often, so a shown time is cut to it: a digit that stands still would look broken. */
export const tickMs = 10_000;

/** `0s`, `40s`, `2m 10s`, `14m`, `1h 05m`, `3d 4h`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / tickMs) * (tickMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds}s`;
  if (minutes < 10) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  if (hours === 0) return `${minutes}m`;
  if (hours < 24) return `${hours}h ${String(minutes % 60).padStart(2, '0')}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** Time of the current run while one runs, else of all runs together: waiting is not work. */
export function workedMs(task: Task, now: number): number {
  const running = task.runs.findLast((run) => run.status === 'running');
  if (running !== undefined) return now - running.startedAt;
  return task.runs.reduce((sum, run) => sum + ((run.completedAt ?? run.startedAt) - run.startedAt), 0);
}

/** Since when a task's runs are in this slot's container without a break; null before the first one. */
export function inSlotSince(task: Task, port: SlotPort): number | null {
  let since: number | null = null;
  for (const run of task.runs.toReversed()) {
    if (run.containerPort !== port) break;
    since = run.startedAt;
  }
  return since;
}
