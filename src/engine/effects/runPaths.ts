import { join } from 'node:path';
import type { RunId, TaskId } from '../domain/ids.ts';

/** Where run directories lie: `runs/{task}/{stage}-{attempt}` in the storage folder. */
export class RunPaths {
  private readonly root: string;

  constructor(storage: string) {
    this.root = join(storage, 'runs');
  }

  /** Everything of a task's runs; this folder is what a container of it sees. */
  ofTask(taskId: TaskId): string {
    return join(this.root, taskId);
  }

  /** A run's id is its path. */
  ofRun(runId: RunId): string {
    return join(this.root, ...runId.split('/'));
  }

  /** The n-th try (from 1) at the setup command. */
  ofSetup(taskId: TaskId, attempt: number): string {
    return join(this.ofTask(taskId), `setup-${attempt}`);
  }
}
