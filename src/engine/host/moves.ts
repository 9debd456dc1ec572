import type { PersonCommand } from '../domain/commands.ts';
import type { TaskId } from '../domain/ids.ts';
import type { MergeStrategy, Task } from '../domain/task.ts';
import type { Engine } from '../engine.ts';
import { mergeFailure } from '../mergeFailure.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { reasonOf, wireTask } from '../protocol/wire.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { plain, shortId } from './format.ts';
import { type Assets, openAnywhere, placeOf } from './hostEngine.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, Output } from './output.ts';
import { findTask, knownTask } from './taskReference.ts';

export type MoveType = 'start' | 'approve' | 'retry' | 'cancel' | 'advance' | 'send-back' | 'accept';

export interface MoveOptions extends CommonOptions {
  readonly note?: string;
  readonly merge?: MergeStrategy;
}

/** A person's move on a task: refused with the reason (bad input), or done when this returns. */
export async function move(
  type: MoveType,
  reference: string,
  options: MoveOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const engine = await openAnywhere(await placeOf(options, io), io, assets, `orchestrator ${type}`);
  try {
    const { id } = await findTask(engine.records, reference);
    const rejection = await engine.dispatch(commandOf(type, id, options), []);
    if (rejection !== null) throw new OrchestratorError('bad-input', rejection.message);
    if (type === 'accept') await merged(engine, id);
    else await engine.settled(id);
    const task = await knownTask(engine.records, id);
    output.object({ type: 'moved', move: type, ...wireTask(task) });
    output.text(`${shortId(id)} ${plain(task.title)}: ${done(type, task)}`);
    return exitCodes.asAsked;
  } finally {
    await engine.close();
  }
}

function commandOf(type: MoveType, taskId: TaskId, options: MoveOptions): PersonCommand {
  switch (type) {
    case 'start':
      return { type: 'resume', taskId };
    case 'send-back':
      return { type, taskId, note: options.note ?? '' };
    case 'accept':
      return { type, taskId, strategy: options.merge ?? 'squash' };
    default:
      return { type, taskId };
  }
}

/** Throws, as what the person has to mend, why an accepted task was not merged. */
async function merged(engine: Engine, id: TaskId): Promise<void> {
  const failure = await mergeFailure(engine, id);
  if (failure === null) return;
  const { message, remedy } = failure;
  throw new OrchestratorError('bad-input', message, remedy === undefined ? {} : { remedy });
}

function done(type: MoveType, task: Task): string {
  switch (type) {
    case 'accept':
      return task.commit === null ? 'accepted.' : `accepted as ${task.commit.slice(0, 12)}.`;
    case 'cancel':
      return 'cancelled.';
    default:
      return reasonOf(task) ?? 'completed; accept it with `orchestrator accept`.';
  }
}
