import { type Clock, waitUntil } from '../ports/clock.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';

/** From the record until its writer is gone: some milliseconds, and a command that stops a run looks every tenth of a second. */
const settlingMs = 2_000;
const lookAgainMs = 50;
/** An engine that is away for longer than this is not waited for. */
const unreachableMs = 60_000;
const retryMs = 2_000;

/**
 * Resolves when nothing of the container's run is left, with whether the container had to be removed for that. An agent
 * can write the record of its own end, which lies where it may write, and go on: who is there Docker alone says, from outside.
 */
export async function endLeftovers({
  engine,
  containerId,
  clock,
  signal,
}: {
  readonly engine: ContainerEngine;
  readonly containerId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<'had ended' | 'went on'> {
  let lookedMs = 0;
  let awayMs = 0;
  for (;;) {
    signal.throwIfAborted();
    const others = await othersIn(engine, containerId);
    if (others === 0 || (others === 'away' && awayMs >= unreachableMs)) return 'had ended';
    if (others === 'some' && lookedMs >= settlingMs) {
      await engine.remove(containerId);
      return 'went on';
    }
    const pauseMs = others === 'away' ? retryMs : lookAgainMs;
    if (others === 'away') awayMs += pauseMs;
    else lookedMs += pauseMs;
    await waitUntil(clock, clock.now() + pauseMs, signal);
  }
}

/** An engine that cannot list processes has told of none that they are gone. */
async function othersIn(engine: ContainerEngine, containerId: string): Promise<0 | 'some' | 'away'> {
  try {
    return ((await engine.othersIn(containerId)) ?? 0) === 0 ? 0 : 'some';
  } catch (error) {
    return EngineError.is(error) ? 'some' : 'away';
  }
}
