import type { TaskId } from './ids.ts';
import type { Task } from './task.ts';

type Bucket = ReadonlyMap<TaskId, Task>;

// Two hex digits of a UUID: with 10,000 open tasks a change copies 256 references and about 40 entries, not 10,000.
const bucketOf = (id: TaskId): number => Number.parseInt(id.slice(0, 2), 16) || 0;

/** An immutable map of tasks: a change shares all but one bucket with the map before. */
export class TaskMap {
  private readonly buckets: readonly (Bucket | undefined)[];

  private constructor(buckets: readonly (Bucket | undefined)[]) {
    this.buckets = buckets;
  }

  static of(tasks: Iterable<Task>): TaskMap {
    const buckets: (Map<TaskId, Task> | undefined)[] = [];
    for (const task of tasks) (buckets[bucketOf(task.id)] ??= new Map()).set(task.id, task);
    return new TaskMap(buckets);
  }

  get(id: TaskId): Task | undefined {
    return this.buckets[bucketOf(id)]?.get(id);
  }

  with(task: Task): TaskMap {
    const index = bucketOf(task.id);
    return this.replaced(index, new Map(this.buckets[index]).set(task.id, task));
  }

  without(id: TaskId): TaskMap {
    const index = bucketOf(id);
    const bucket = new Map(this.buckets[index]);
    return bucket.delete(id) ? this.replaced(index, bucket) : this;
  }

  *values(): Iterable<Task> {
    for (const bucket of this.buckets) if (bucket !== undefined) yield* bucket.values();
  }

  private replaced(index: number, bucket: Bucket): TaskMap {
    const buckets = [...this.buckets];
    buckets[index] = bucket;
    return new TaskMap(buckets);
  }
}
