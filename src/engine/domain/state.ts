import { emptyAllocation, type Allocation } from './allocation.ts';
import { TaskMap } from './taskMap.ts';

/** Everything a decision depends on: the tasks that are not final, and who holds what. */
export interface State {
  readonly tasks: TaskMap;
  readonly allocation: Allocation;
}

export const emptyState: State = { tasks: TaskMap.of([]), allocation: emptyAllocation };
