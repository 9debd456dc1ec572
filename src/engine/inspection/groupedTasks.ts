import type { TaskId } from '../domain/ids.ts';
import { isExecuting, type Task } from '../domain/task.ts';
import { groupOf, groupOrders, taskGroups, type Ranked, type TaskGroup } from '../protocol/taskGroups.ts';

/** What a change asks of a view. */
export interface GroupChanges {
  /** Groups whose count changed, or whose rows came, went or changed places. */
  readonly groups: ReadonlySet<TaskGroup>;
  /** Rows that look different. */
  readonly rows: readonly TaskId[];
  /** Whether a row went from one group to another, or a group got its first row or lost its last. */
  readonly isStructural: boolean;
}

export interface TaskCounts {
  readonly running: number;
  readonly queued: number;
  /** Waits for a decision: an approval, or what to do about a failure. */
  readonly needsYou: number;
  /** Completed, and not yet being merged. */
  readonly toReview: number;
}

/**
 * All tasks by group, sorted, kept up to date by deltas: a change costs two binary searches, however many tasks there
 * are. A filter hides tasks from the groups but not from the counts.
 */
export class GroupedTasks {
  private readonly byId = new Map<TaskId, Task>();
  private readonly running = new Set<TaskId>();
  private readonly troubled = new Set<TaskId>();
  private readonly completed = new Set<TaskId>();
  private shown = emptyGroups();
  private readonly totals = new Map<TaskGroup, number>();
  private matches: ((task: Task) => boolean) | null = null;

  replaceAll(tasks: readonly Task[]): void {
    this.byId.clear();
    this.running.clear();
    this.troubled.clear();
    this.completed.clear();
    this.totals.clear();
    for (const task of tasks) this.note(task);
    this.sortAnew();
  }

  /** `null` shows every task. */
  setFilter(matches: ((task: Task) => boolean) | null): void {
    this.matches = matches;
    this.sortAnew();
  }

  update(tasks: readonly Task[]): GroupChanges {
    const groups = new Set<TaskGroup>();
    const rows: TaskId[] = [];
    let isStructural = false;
    // Of a task that is named twice, how it is at last: in between it was nowhere.
    for (const task of new Map(tasks.map((each) => [each.id, each])).values()) {
      const before = this.byId.get(task.id);
      this.note(task, before);
      const from = before === undefined || !this.isShown(before) ? null : groupOf(before);
      const to = this.isShown(task) ? groupOf(task) : null;
      if (to !== null) rows.push(task.id);
      // Hidden ones count too.
      if (before === undefined || groupOf(before) !== groupOf(task)) {
        groups.add(groupOf(task));
        if (before !== undefined) groups.add(groupOf(before));
      }
      if (before !== undefined && from !== null) {
        if (from === to && groupOrders[from](before, task) === 0) {
          this.shown[from][positionOf(this.shown[from], before, groupOrders[from])] = task;
          continue;
        }
        this.shown[from].splice(positionOf(this.shown[from], before, groupOrders[from]), 1);
        groups.add(from);
        isStructural ||= this.shown[from].length === 0 || (to !== null && to !== from);
      }
      if (to !== null) {
        this.shown[to].splice(positionOf(this.shown[to], task, groupOrders[to]), 0, task);
        groups.add(to);
        isStructural ||= this.shown[to].length === 1;
      }
    }
    return { groups, rows, isStructural };
  }

  get(id: TaskId): Task | undefined {
    return this.byId.get(id);
  }

  /** Those the filter shows, in their order. */
  rows(group: TaskGroup): readonly Task[] {
    return this.shown[group];
  }

  /** All of a group, hidden or not. */
  total(group: TaskGroup): number {
    return this.totals.get(group) ?? 0;
  }

  get size(): number {
    return this.byId.size;
  }

  /** Those that execute now: two at most. */
  executing(): readonly TaskId[] {
    return [...this.running];
  }

  /** Those that a failure holds up, whether or not the filter shows them. */
  heldUp(): readonly Task[] {
    return [...this.troubled].flatMap((id) => this.byId.get(id) ?? []);
  }

  counts(): TaskCounts {
    return {
      running: this.running.size,
      queued: this.total('queued'),
      needsYou: this.total('needs-you'),
      toReview: this.completed.size,
    };
  }

  private note(task: Task, before?: Task): void {
    this.byId.set(task.id, task);
    if (before !== undefined) {
      this.running.delete(task.id);
      this.troubled.delete(task.id);
      this.completed.delete(task.id);
      this.count(groupOf(before), -1);
    }
    if (isExecuting(task)) this.running.add(task.id);
    if ('failure' in task.phase) this.troubled.add(task.id);
    if (task.phase.type === 'completed') this.completed.add(task.id);
    this.count(groupOf(task), 1);
  }

  private count(group: TaskGroup, by: number): void {
    this.totals.set(group, this.total(group) + by);
  }

  private sortAnew(): void {
    this.shown = emptyGroups();
    for (const task of this.byId.values()) if (this.isShown(task)) this.shown[groupOf(task)].push(task);
    for (const group of taskGroups) this.shown[group].sort(groupOrders[group]);
  }

  private isShown(task: Task): boolean {
    return this.matches === null || this.matches(task);
  }
}

/** Where the task stands in the sorted rows, or where it belongs. */
function positionOf(rows: readonly Task[], task: Task, order: (a: Ranked, b: Ranked) => number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && order(row, task) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function emptyGroups(): Record<TaskGroup, Task[]> {
  return {
    queued: [],
    specification: [],
    implementation: [],
    qa: [],
    'needs-you': [],
    completed: [],
    done: [],
  };
}
