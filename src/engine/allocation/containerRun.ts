import { watch } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { ExitRecord } from '../ports/isolation.ts';
import { readExitRecord, runFiles } from '../process/runDirectory.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';
import type { ContainerEvents } from './containerEvents.ts';
import { endLeftovers } from './leftoversOfRun.ts';
import { isRegularFile } from './runFolder.ts';
import type { LaunchRecord } from './runRecords.ts';

export interface RunWait {
  readonly engine: ContainerEngine;
  readonly containerId: string;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly runDir: string;
  readonly launch: LaunchRecord | null;
  readonly signal: AbortSignal;
}

/** What a run may take beyond its timeout: being asked to end, being killed, writing the record. */
export const endingMs = 2 * 60_000;
/** From the order to the first sign of the run: some milliseconds, on a busy machine a second or two. */
const beginningMs = 30_000;
/** Safety net beside file and engine events, which get lost when an engine restarts or a file system tells nothing. */
const recheckMs = 2_000;
/** An engine that restarts is back within seconds and may have kept its containers running. */
const unreachableMs = 60_000;

/** What a look found: the run's end, that its container is gone, that it goes on or is yet to begin, or that the engine did not say. */
type Finding =
  | { readonly type: 'ended' | 'gone'; readonly record: ExitRecord }
  | { readonly type: 'running' | 'awaited' }
  | { readonly type: 'trouble'; readonly error: unknown };

/**
 * Resolves with the exit record, or with `lost` as soon as it is certain that none will be written, and when nothing of
 * the run is left. Process 1 of the container writes a record for a run whose own script could not. A run that its container does not begin, or
 * does not end at its timeout, since it is frozen, or that goes on after its record, is ended with the container.
 */
export async function waitForRun(wait: RunWait): Promise<ExitRecord> {
  const { events, clock, runDir, containerId, launch, signal } = wait;
  let wake = () => {};
  const nudge = () => wake();
  const watcher = watch(runDir, (_, name) => {
    if (name === null || name === runFiles.exit) nudge();
  });
  // A folder that vanishes is found by the next look.
  watcher.on('error', nudge);
  const unwatch = events.watch(containerId, nudge);
  signal.addEventListener('abort', nudge);
  let troubledSince: number | null = null;
  let engineWasAway = false;
  let looking: Promise<Finding> | null = null;
  /** Counted in looks and not by the clock, which goes on while the machine, and the run with it, sleeps. */
  let waitedMs = 0;
  /** For its beginning, from an engine that answers. */
  let awaitedMs = 0;
  let isGone = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      // Before the look: what happens during it must not be slept over.
      const woken = new Promise<null>((resolve) => (wake = () => resolve(null)));
      // An engine may take a minute to say nothing. The record needs no engine.
      const record = await readRecord(runDir);
      if (record !== null) return await thatHasEnded(wait, record);
      const isOverdue = launch !== null && waitedMs > launch.timeoutMs + endingMs;
      looking ??= look(wait, engineWasAway, { isOverdue, isUnheard: awaitedMs > beginningMs });
      const finding = await Promise.race([looking, woken]);
      if (finding === null) continue;
      looking = null;
      // An engine that is about to stop takes its containers first: until it has, the stage could not be run again.
      if (finding.type === 'ended' || (finding.type === 'gone' && (isGone || engineWasAway)))
        return await thatHasEnded(wait, finding.record);
      if (finding.type !== 'trouble') {
        troubledSince = null;
        engineWasAway = false;
      } else {
        if (finding.error instanceof UnreadableRecord) throw finding.error;
        // A refusal is an answer: a container that is being removed gives them until it is gone.
        engineWasAway ||= !EngineError.is(finding.error);
        troubledSince ??= clock.now();
        if (clock.now() - troubledSince >= unreachableMs) return lost('docker engine stopped');
      }
      events.ensureOpen();
      const cancel = clock.at(clock.now() + recheckMs, () => {
        waitedMs += recheckMs;
        if (finding.type === 'awaited') awaitedMs += recheckMs;
        isGone = finding.type === 'gone';
        nudge();
      });
      await woken;
      cancel();
    }
  } finally {
    signal.removeEventListener('abort', nudge);
    unwatch();
    watcher.close();
  }
}

/** The record, once nothing of the run is left. */
async function thatHasEnded(wait: RunWait, record: ExitRecord): Promise<ExitRecord> {
  return (await endLeftovers(wait)) === 'had ended' ? record : lost('it went on after its exit record');
}

/** One look at the run, which ends it when it has had its time. */
async function look(
  wait: RunWait,
  engineWasAway: boolean,
  { isOverdue, isUnheard }: { readonly isOverdue: boolean; readonly isUnheard: boolean },
): Promise<Finding> {
  try {
    const finding = await askEngine(wait, engineWasAway);
    if (finding.type === 'awaited' && isUnheard)
      return await endWithContainer(wait, lost('its container did not hear that it was to begin'));
    const goesOn = finding.type === 'running' || finding.type === 'awaited';
    return goesOn && isOverdue ? await endWithContainer(wait, overdue) : finding;
  } catch (error) {
    return { type: 'trouble', error };
  }
}

const overdue: ExitRecord = {
  code: null,
  signal: null,
  reason: 'timeout',
  detail: 'it did not end at its time limit, and was ended with its container',
};

async function endWithContainer(
  { engine, containerId, runDir }: RunWait,
  record: ExitRecord,
): Promise<Finding> {
  await engine.remove(containerId);
  return { type: 'ended', record: (await readRecord(runDir)) ?? record };
}

/** Throws when the engine does not answer. */
async function askEngine(wait: RunWait, engineWasAway: boolean): Promise<Finding> {
  const { engine, containerId, launch, runDir, events } = wait;
  if (launch === null) return { type: 'ended', record: lost('never started') };
  // A run belongs to the container it was started in; a later one of the same task knows nothing of it.
  if (launch.containerId !== containerId) return { type: 'ended', record: lost('container removed') };
  if ((await engine.isRunning(containerId)) === true) {
    // From its first file on process 1 knows of the run, and tells how it ends.
    const hasBegun = await isRegularFile(join(runDir, runFiles.owner));
    return { type: hasBegun ? 'running' : 'awaited' };
  }
  // The record may have appeared between the first look at it and the end of what writes it.
  const record = await readRecord(runDir);
  if (record !== null) return { type: 'ended', record };
  if (events.ranOutOfMemory(containerId)) return { type: 'ended', record: lost('out of memory') };
  // One that stopped is as good as gone: the engine removes it by itself.
  return { type: 'gone', record: lost(engineWasAway ? 'docker engine stopped' : 'container removed') };
}

class UnreadableRecord extends Error {}

async function readRecord(runDir: string): Promise<ExitRecord | null> {
  try {
    return await readExitRecord(runDir);
  } catch (error) {
    throw new UnreadableRecord(`The exit record in ${runDir} cannot be read.`, { cause: error });
  }
}

function lost(detail: string): ExitRecord {
  return { code: null, signal: null, reason: 'lost', detail };
}
