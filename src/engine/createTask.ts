import { sealBundle } from './context/digest.ts';
import type { Rejection } from './domain/commands.ts';
import type { TaskId } from './domain/ids.ts';
import type { TaskSettings } from './domain/task.ts';
import type { Engine } from './engine.ts';

export interface NewTask {
  readonly id: TaskId;
  readonly title: string;
  readonly description: string;
  readonly priority: number;
  readonly settings: TaskSettings;
  /** Kept for later: it waits until it is started. */
  readonly paused?: true;
}

/** Puts a task into the queue, or aside for later, its request stored as the first context. Resolves with the reason when it is refused. */
export function createTask(engine: Pick<Engine, 'dispatch'>, task: NewTask): Promise<Rejection | null> {
  const { id, description, priority, settings } = task;
  const title = task.title.trim();
  const paused = task.paused === undefined ? {} : { paused: task.paused };
  const { body, digest } = sealBundle({ type: 'request', format: 1, title, description });
  return engine.dispatch(
    { type: 'create', taskId: id, title, description, priority, settings, requestDigest: digest, ...paused },
    [{ digest, taskId: id, runId: null, stage: 'request', body }],
  );
}
