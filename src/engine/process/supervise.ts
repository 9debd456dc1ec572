import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExitRecord } from '../ports/isolation.ts';
import { processTable, type ProcessRef } from './processTable.ts';
import { endTree } from './processTree.ts';
import { findObstacle, startProgram } from './program.ts';
import { secretValuesOf } from './redactor.ts';
import { writeExitRecord } from './runDirectory.ts';
import { lostBecause } from './settleRun.ts';
import {
  claimRun,
  markerOf,
  temporaryPathOf,
  updateOwner,
  type SupervisorLaunch,
  type SupervisorOwner,
} from './supervisorProtocol.ts';

/** Claude Code needs up to 1.5 s to end its shell commands; a loaded machine makes it three times that. */
const graceMs = 5_000;

/** Beyond this Node's timers fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Runs one program to its end and records it: the whole tree dies, the streams are on disk, the exit record comes last.
 * Does nothing when the run has an owner already or was given up.
 */
export async function supervise(
  runDir: string,
  launch: SupervisorLaunch,
  stop: Promise<'stopped'>,
  /** Told what is worth knowing and changes nothing. */
  note: (words: string) => void,
): Promise<void> {
  const startTime = await processTable.startTimeOf(process.pid);
  if (startTime === null) throw new Error('The supervisor cannot find itself in the process table');
  const token = randomUUID();
  const owner: SupervisorOwner = { type: 'supervisor', pid: process.pid, startTime, token, program: null };
  if (!(await claimRun(runDir, owner))) return;

  const temporaryPath = temporaryPathOf(token);
  const record = await run(runDir, launch, owner, stop).catch((error: unknown) =>
    lostBecause(`Its supervisor failed: ${messageOf(error)}`),
  );
  await rm(temporaryPath, { recursive: true, force: true }).catch((error: unknown) => {
    note(`${temporaryPath} stays behind: ${messageOf(error)}`);
  });
  await writeExitRecord(runDir, record);
}

async function run(
  runDir: string,
  launch: SupervisorLaunch,
  owner: SupervisorOwner,
  stop: Promise<'stopped'>,
): Promise<ExitRecord> {
  const obstacle = await findObstacle(launch);
  if (obstacle !== null) return lostBecause(obstacle);

  const marker = markerOf(owner.token);
  const temporaryPath = temporaryPathOf(owner.token);
  await mkdir(temporaryPath, { mode: 0o700 });
  const env = { ...launch.env, TMPDIR: temporaryPath, [marker.name]: marker.value };
  const program = await startProgram(runDir, { ...launch, env }, secretValuesOf(launch.env));
  const timer = new AbortController();
  const timeout = delay(Math.min(launch.timeoutMs, longestTimerMs), 'timeout' as const, {
    signal: timer.signal,
  });
  // Cancelling it is a rejection, which is nobody's business when the race below was never reached.
  timeout.catch(() => undefined);
  let reason: ExitRecord['reason'];
  let survivors: readonly ProcessRef[];
  try {
    await updateOwner(runDir, { ...owner, program: program.ref });
    reason = await Promise.race([
      program.exited.then(() => 'exited' as const),
      stop,
      timeout,
      ...program.outputs.map(({ failed }) => failed),
    ]);
  } finally {
    timer.abort();
    survivors = await endTree({ root: program.ref, marker: marker.assignment }, graceMs);
  }
  await Promise.all(program.outputs.map((output) => output.finish()));
  if (survivors.length === 0) return { ...(await program.exited), reason };
  const end = await Promise.race([program.exited, delay(graceMs, { code: null, signal: null })]);
  const detail = `Could not be killed: ${survivors.map(({ pid }) => `process ${pid}`).join(', ')}`;
  return { ...end, reason, detail };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
