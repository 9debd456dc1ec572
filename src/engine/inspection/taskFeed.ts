import type { Slots } from '../domain/allocation.ts';
import type { TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Engine } from '../engine.ts';
import type { Notice } from '../notice.ts';

/** Calls `listener` at each occurrence until disposed of. VS Code's `Event` is one. */
export type Occurrence<T> = (listener: (value: T) => unknown) => { dispose(): void };

/** The tasks of a storage, live, whoever drives them. Views render from it and never ask the database for lists. */
export interface TaskModel {
  /** Newest first. */
  all(): readonly Task[];
  get(id: TaskId): Task | undefined;
  slots(): Slots;
  /** After every transition, with the tasks it changed; empty = slots only. */
  readonly onDidChange: Occurrence<readonly Task[]>;
}

/** What follows an engine: the extension's session, or a server of the engine's own process. */
export interface TaskFeed {
  readonly tasks: TaskModel;
  /** Every notice of the engine, in order: committed rows, agents' activity, failure. */
  readonly onNotice: Occurrence<Notice>;
  /** What was shown may be out of date: look again. */
  readonly onDidChangeState: Occurrence<unknown>;
  /** Opens it if need be. Rejects with an OrchestratorError that names what is missing and how to mend it. */
  engine(): Promise<Engine>;
  /** Storage folder on disk; run directories lie below `runs/`. */
  readonly storagePath: string | null;
}
