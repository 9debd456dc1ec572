import { emptyAllocation, type Slots } from '../domain/allocation.ts';
import type { TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import type { Notice } from '../notice.ts';

/** Tasks read at a time: what passes between threads or processes at once stays small. */
const pageSize = 500;

/** The tasks of a storage in memory: read once, then kept by notices. */
export class TaskList {
  private tasks = new Map<TaskId, Task>();
  private currentSlots: Slots = emptyAllocation.slots;
  private sorted: readonly Task[] | null = null;
  /** What notices said while the storage is being read: newer than any page. */
  private heard: Map<TaskId, Task> | null = null;

  /** Newest first. */
  all(): readonly Task[] {
    this.sorted ??= [...this.tasks.values()].toSorted(
      (a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1),
    );
    return this.sorted;
  }

  get(id: TaskId): Task | undefined {
    return this.tasks.get(id);
  }

  slots(): Slots {
    return this.currentSlots;
  }

  /** Takes over what was committed; returns the tasks it changed. */
  apply({ tasks, slots }: Extract<Notice, { type: 'committed' }>): readonly Task[] {
    this.currentSlots = slots;
    for (const task of tasks) {
      this.put(task);
      this.heard?.set(task.id, task);
    }
    return tasks;
  }

  /**
   * Reads everything anew. Subscribe before: a commit during the reading is then in a page, in a notice, or in both.
   * `slots` are those of the time of the subscription.
   */
  async load(records: Pick<Records, 'tasks'>, slots: Slots): Promise<void> {
    const heard = new Map<TaskId, Task>();
    this.heard = heard;
    this.currentSlots = slots;
    const read = new Map<TaskId, Task>();
    for (let offset = 0; ; offset += pageSize) {
      const page = await records.tasks({ limit: pageSize, offset });
      for (const task of page) read.set(task.id, task);
      if (page.length < pageSize) break;
    }
    // A later reading has begun: that one counts.
    if (this.heard !== heard) return;
    for (const [id, task] of heard) read.set(id, task);
    this.heard = null;
    this.tasks = read;
    this.sorted = null;
  }

  private put(task: Task): void {
    const earlier = this.tasks.get(task.id);
    this.tasks.set(task.id, task);
    // Order depends on what never changes about a task: replaced in place, a list of 10,000 need not be sorted again.
    if (earlier === undefined) this.sorted = null;
    else if (this.sorted !== null) this.sorted = this.sorted.with(this.indexOf(earlier), task);
  }

  private indexOf(task: Task): number {
    return (this.sorted ?? []).indexOf(task);
  }
}
