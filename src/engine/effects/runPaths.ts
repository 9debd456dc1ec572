import { join } from 'node:path';
import type { RunId, TaskId } from '../domain/ids.ts';

/** Where run directories lie in the storage folder: `runs/{task}/{stage}-{attempt}`. */
export class RunPaths {
  private readonly root: string;
  private readonly starts: string;

  constructor(storage: string) {
    this.root = join(storage, 'runs');
    this.starts = join(storage, 'starts');
  }

  /** The folder with one folder for each task that has run. */
  get all(): string {
    return this.root;
  }

  /** Everything of a task's runs; this folder is what a container of it sees. */
  ofTask(taskId: TaskId): string {
    return join(this.root, taskId);
  }

  /** A run's id is its path. */
  ofRun(runId: RunId): string {
    return join(this.root, ...runId.split('/'));
  }

  /** How a run began, for the engine alone: an agent can write to its own and to later runs' directories, not here. */
  startOf(runId: RunId): string {
    return join(this.starts, ...runId.split('/'));
  }

  /** What lies in `startOf` of all of a task's runs. */
  startsOf(taskId: TaskId): string {
    return join(this.starts, taskId);
  }

  /** The n-th try (from 1) at the setup command. */
  ofSetup(taskId: TaskId, attempt: number): string {
    return join(this.ofTask(taskId), `setup-${attempt}`);
  }

  /** When that try began, for the engine alone. */
  startOfSetup(taskId: TaskId, attempt: number): string {
    return join(this.startsOf(taskId), `setup-${attempt}`);
  }

  /** How that try ended, for the engine alone. */
  endOfSetup(taskId: TaskId, attempt: number): string {
    return `${this.startOfSetup(taskId, attempt)}.end`;
  }
}
