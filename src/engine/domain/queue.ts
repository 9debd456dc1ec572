import type { TaskId } from './ids.ts';
import type { Task } from './task.ts';

/** What decides on a waiting task's place. */
export interface QueueEntry {
  readonly taskId: TaskId;
  readonly priority: number;
  /** Creation time: a task that comes back from a wait does not go behind those created after it. */
  readonly createdAt: number;
  /** Since when it waits: decides between those created at the same moment. */
  readonly since: number;
}

/** Who waits to execute, in order of admission. */
export type Queue = readonly QueueEntry[];

/** The queue of these tasks; those of the same rank keep the order they come in. */
export function queueOf(tasks: readonly Task[]): Queue {
  return tasks.flatMap((task) => entryOf(task) ?? []).toSorted(byRank);
}

/** The queue after a task's change; the same one unless the task's place is another now. */
export function requeued(queue: Queue, before: Task | undefined, after: Task): Queue {
  const from = before === undefined ? null : entryOf(before);
  const to = entryOf(after);
  if (from === null && to === null) return queue;
  if (from !== null && to !== null && byRank(from, to) === 0) return queue;
  const place = from === null ? -1 : indexOf(queue, from);
  const rest = place === -1 ? queue : queue.toSpliced(place, 1);
  if (to === null) return rest;
  // Behind those of its own rank: they came before it.
  const behind = firstWhere(rest, (other) => byRank(other, to) > 0);
  return rest.toSpliced(behind, 0, to);
}

/** The task's index in the queue; -1 = it does not wait. */
export function placeIn(queue: Queue, task: Task): number {
  const entry = entryOf(task);
  return entry === null ? -1 : indexOf(queue, entry);
}

function entryOf({ id, priority, createdAt, phase }: Task): QueueEntry | null {
  return phase.type === 'queued' ? { taskId: id, priority, createdAt, since: phase.since } : null;
}

function byRank(one: QueueEntry, other: QueueEntry): number {
  return other.priority - one.priority || one.createdAt - other.createdAt || one.since - other.since;
}

function indexOf(queue: Queue, entry: QueueEntry): number {
  const first = firstWhere(queue, (other) => byRank(other, entry) >= 0);
  for (let index = first; index < queue.length; index += 1) {
    if (queue[index]?.taskId === entry.taskId) return index;
  }
  return -1;
}

/** Index of the first entry that the test holds for, which then holds for all behind it; the length if for none. */
function firstWhere(queue: Queue, test: (entry: QueueEntry) => boolean): number {
  let from = 0;
  let to = queue.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const entry = queue[middle];
    if (entry === undefined || test(entry)) to = middle;
    else from = middle + 1;
  }
  return from;
}
