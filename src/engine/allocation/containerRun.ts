import { watch } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { ExitRecord } from '../ports/isolation.ts';
import { readExitRecord, runFiles, writeWhole } from '../process/runDirectory.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';
import type { ContainerEvents } from './containerEvents.ts';
import { aliveScript, stopMarker, sweepScript } from './containerScripts.ts';
import { isRegularFile } from './runFolder.ts';
import type { LaunchRecord } from './runRecords.ts';
import { readOwner } from './runRecords.ts';

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
/** Safety net beside file and engine events, which get lost when an engine restarts or a file system tells nothing. */
const recheckMs = 2_000;
/** An engine that restarts is back within seconds and may have kept its containers running. */
const unreachableMs = 60_000;

/** What a look found: the run's end, that it goes on, or that the engine did not say. */
type Finding =
  | { readonly type: 'ended'; readonly record: ExitRecord }
  | { readonly type: 'running' }
  | { readonly type: 'trouble'; readonly error: unknown };

/**
 * Resolves with the exit record, or with `lost` as soon as it is certain that none will be written. A run that its
 * container does not end at its timeout, since it is frozen, is ended with the container.
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
  try {
    for (;;) {
      signal.throwIfAborted();
      // Before the look: what happens during it must not be slept over.
      const woken = new Promise<null>((resolve) => (wake = () => resolve(null)));
      // An engine may take a minute to say nothing. The record needs no engine.
      const record = await readRecord(runDir);
      if (record !== null) return record;
      const isOverdue = launch !== null && waitedMs > launch.timeoutMs + endingMs;
      looking ??= look(wait, engineWasAway, isOverdue);
      const finding = await Promise.race([looking, woken]);
      if (finding === null) continue;
      looking = null;
      if (finding.type === 'ended') return finding.record;
      if (finding.type === 'running') {
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

/** One look at the run; one that is overdue and still there is ended. */
async function look(wait: RunWait, engineWasAway: boolean, isOverdue: boolean): Promise<Finding> {
  try {
    const found = await askEngine(wait, engineWasAway);
    const record = found === null && isOverdue ? await endWithContainer(wait) : found;
    return record === null ? { type: 'running' } : { type: 'ended', record };
  } catch (error) {
    return { type: 'trouble', error };
  }
}

/** The run's record, `lost`, or null while it goes on. Throws when the engine does not answer. */
async function askEngine(wait: RunWait, engineWasAway: boolean): Promise<ExitRecord | null> {
  const { engine, containerId, launch, runDir, events } = wait;
  if (launch === null) return lost('never started');
  // A run belongs to the container it was started in; a later one of the same task knows nothing of it.
  const running = launch.containerId === containerId && (await engine.isRunning(containerId)) === true;
  if (!running) {
    if (events.ranOutOfMemory(containerId)) return lastRecord(runDir, 'out of memory');
    // One that stopped is as good as gone: the engine removes it by itself.
    return lastRecord(runDir, engineWasAway ? 'docker engine stopped' : 'container removed');
  }
  const state = await engine.execState(launch.execId);
  if (state === 'running' || (state === 'unknown' && (await isAlive(wait)))) return null;
  const ended = await lastRecord(runDir, 'its supervisor in the container was killed');
  // The supervisor did not live to clear away what the program left.
  if (ended.reason === 'lost') {
    // Or it is yet to come: an engine that hung may still carry the order to start out.
    await writeWhole(join(runDir, stopMarker), '');
    const { code } = await engine.run(containerId, ['sh', '-c', sweepScript]);
    // The container is dying itself, and its commands went first: the next look finds it gone.
    if (code !== 0) throw new EngineError(409, 'The container could not be cleared.');
  }
  return ended;
}

async function endWithContainer({ engine, containerId, runDir }: RunWait): Promise<ExitRecord> {
  await engine.remove(containerId);
  const detail = 'it did not end at its time limit, and was ended with its container';
  return (await readRecord(runDir)) ?? { code: null, signal: null, reason: 'timeout', detail };
}

/** Whether the run's wrapper lives, asked inside: an engine that was restarted has forgotten its commands. */
async function isAlive(wait: RunWait): Promise<boolean> {
  const owner = await readOwner(wait.runDir);
  if (owner === null) return false;
  const argv = ['sh', '-c', aliveScript, 'orchestrator-alive', String(owner.pid), String(owner.startTime)];
  return (await wait.engine.run(wait.containerId, argv)).code === 0;
}

/** The record may have appeared between the first look at it and the end of what writes it. */
async function lastRecord(runDir: string, detail: string): Promise<ExitRecord> {
  return (await readRecord(runDir)) ?? lost(detail);
}

class UnreadableRecord extends Error {}

async function readRecord(runDir: string): Promise<ExitRecord | null> {
  if (!(await isRegularFile(join(runDir, runFiles.exit)))) return null;
  try {
    return await readExitRecord(runDir);
  } catch (error) {
    throw new UnreadableRecord(`The exit record in ${runDir} cannot be read.`, { cause: error });
  }
}

function lost(detail: string): ExitRecord {
  return { code: null, signal: null, reason: 'lost', detail };
}
