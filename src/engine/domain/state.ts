import { emptyAllocation, type Allocation } from './allocation.ts';
import { queueOf, type Queue } from './queue.ts';
import type { Task } from './task.ts';
import { TaskMap } from './taskMap.ts';

/** Everything a decision depends on: the tasks that are not final, and who holds what. */
export interface State {
  readonly tasks: TaskMap;
  readonly allocation: Allocation;
  /** Follows from the tasks: each says itself whether it waits. */
  readonly queue: Queue;
}

/** The state with these tasks, oldest first. */
export function stateOf(tasks: readonly Task[], allocation: Allocation): State {
  return { tasks: TaskMap.of(tasks), allocation, queue: queueOf(tasks) };
}

export const emptyState: State = stateOf([], emptyAllocation);
