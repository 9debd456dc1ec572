import { assertNever } from '../domain/assertNever.ts';
import type { Task } from '../domain/task.ts';

/** The first level of the sidebar's tree and the columns of the board, in the order a task passes them. */
export const taskGroups = [
  'queued',
  'specification',
  'implementation',
  'qa',
  'needs-you',
  'completed',
  'done',
] as const;

export type TaskGroup = (typeof taskGroups)[number];

/** What goes on by itself stands under its stage, also while it waits; what only a person can move, under `needs-you`. */
export function groupOf(task: Task): TaskGroup {
  const { phase } = task;
  switch (phase.type) {
    case 'queued':
      return 'queued';
    case 'preparing':
    case 'running':
    case 'stopping':
    case 'backoff':
    case 'parked':
    // Paused on purpose: the person knows, and need not be told by a badge.
    case 'paused':
      return task.stage;
    case 'gate':
    case 'attention':
      return 'needs-you';
    case 'completed':
    case 'merging':
      return 'completed';
    case 'done':
    case 'cancelled':
      return 'done';
    default:
      return assertNever(phase);
  }
}

/** What a task's place among its neighbours depends on. */
export type Ranked = Pick<Task, 'id' | 'priority' | 'createdAt' | 'updatedAt'>;

type Order = (a: Ranked, b: Ranked) => number;

const byId: Order = (a, b) => (a.id < b.id ? -1 : Number(a.id > b.id));
const newestFirst: Order = (a, b) => b.createdAt - a.createdAt || byId(a, b);
const lastChangedFirst: Order = (a, b) => b.updatedAt - a.updatedAt || byId(a, b);

/** Total orders: only a task and itself are equal, so that a row is found again by binary search. */
export const groupOrders: Readonly<Record<TaskGroup, Order>> = {
  // As the engine admits them.
  queued: (a, b) => b.priority - a.priority || a.createdAt - b.createdAt || byId(a, b),
  specification: newestFirst,
  implementation: newestFirst,
  qa: newestFirst,
  // Who waited longest comes first.
  'needs-you': (a, b) => a.updatedAt - b.updatedAt || byId(a, b),
  completed: lastChangedFirst,
  done: lastChangedFirst,
};
