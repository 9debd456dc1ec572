import { readdir, rm } from 'node:fs/promises';
import * as v from 'valibot';
import type { TaskId } from '../domain/ids.ts';
import { isFinal, type Task } from '../domain/task.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import { whenAbsent } from '../process/runDirectory.ts';
import { taskIdSchema } from '../protocol/taskSchema.ts';
import type { RunPaths } from './runPaths.ts';

const dayMs = 24 * 60 * 60_000;

export interface TranscriptSweepOptions {
  readonly paths: RunPaths;
  readonly store: Pick<Store, 'task'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether anything of the task is still to be done. */
  readonly isHeld: (id: TaskId) => boolean;
}

/**
 * Removes what agents wrote in the runs of tasks that ended long ago: now, and once a day. Contexts and the audit trail
 * are in the database and stay for good; a task that is not final keeps everything.
 */
export class TranscriptSweep {
  private readonly options: TranscriptSweepOptions;
  private days: number | null;
  private isStarted = false;
  private isClosed = false;
  private cancel: () => void = () => {};
  private sweeping: Promise<void> = Promise.resolve();

  /** `days` after the end of a task; null keeps them for good. */
  constructor(options: TranscriptSweepOptions, days: number | null) {
    this.options = options;
    this.days = days;
  }

  /** Resolves when what is old now is gone; never rejects, for nothing depends on it. */
  start(): Promise<void> {
    this.isStarted = true;
    this.sweep();
    return this.sweeping;
  }

  keep(days: number | null): void {
    if (days === this.days) return;
    this.days = days;
    if (this.isStarted) this.sweep();
  }

  /** Waits for the task folder that is being removed. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancel();
    await this.sweeping;
  }

  private sweep(): void {
    this.cancel();
    if (this.isClosed) return;
    const { clock, logger } = this.options;
    this.cancel = clock.at(clock.now() + dayMs, () => this.sweep());
    this.sweeping = this.sweeping
      .then(() => this.removeOld())
      .catch((error: unknown) => logger.warn('transcripts.sweep', { error: String(error) }));
  }

  private async removeOld(): Promise<void> {
    const { paths, store, clock, logger } = this.options;
    if (this.days === null) return;
    const before = clock.now() - this.days * dayMs;
    let removed = 0;
    for (const name of await folderNames(paths.all)) {
      const id = v.safeParse(taskIdSchema, name);
      const task = id.success ? await store.task(id.output) : null;
      if (this.isClosed) break;
      if (task === null || !this.isOver(task, before)) continue;
      await rm(paths.ofTask(task.id), { recursive: true, force: true });
      await rm(paths.startsOf(task.id), { recursive: true, force: true });
      removed += 1;
    }
    if (removed > 0) logger.info('transcripts.swept', { tasks: removed, days: this.days });
  }

  private isOver(task: Task, before: number): boolean {
    return isFinal(task) && task.updatedAt < before && !this.options.isHeld(task.id);
  }
}

async function folderNames(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch(whenAbsent)) ?? [];
}
