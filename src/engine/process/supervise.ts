import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExitRecord } from '../ports/isolation.ts';
import { processTable, type ProcessRef } from './processTable.ts';
import { endTree } from './processTree.ts';
import { findObstacle, type Program, startProgram } from './program.ts';
import { secretValuesOf } from './redactor.ts';
import { writeExitRecord } from './runDirectory.ts';
import { lostBecause } from './settleRun.ts';
import {
  claimRun,
  markerOf,
  temporaryPathOf,
  updateOwner,
  type RunOrder,
  type SupervisedProgram,
  type SupervisorOwner,
} from './supervisorProtocol.ts';

/** Claude Code needs up to 1.5 s to end its shell commands; a loaded machine makes it three times that. */
const graceMs = 5_000;

/** Beyond this Node's timers fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A program that runs, and knows no run directory yet: it waits for its input. */
export interface StandingProgram {
  readonly token: string;
  readonly program: Program;
  /** Gives it its input and its output's place. */
  readonly begin: (runDir: string) => void;
}

/** Rejects when it cannot be started. */
export async function standBy(program: SupervisedProgram): Promise<StandingProgram> {
  const obstacle = await findObstacle(program);
  if (obstacle !== null) throw new Error(obstacle);
  const token = randomUUID();
  let begin = (_runDir: string): void => {};
  const runDir = new Promise<string>((resolve) => {
    begin = resolve;
  });
  return { token, program: await startMarked(program, token, runDir), begin };
}

/** It was not needed. */
export async function dismiss({ token, program }: StandingProgram): Promise<void> {
  await endTree(treeOf(token, program), graceMs);
  await rm(temporaryPathOf(token), { recursive: true, force: true });
}

/**
 * Runs one program to its end and records it: the whole tree dies, the streams are on disk, the exit record comes last.
 * False, and nothing done, when the run has an owner already or was given up. `standing`: the order's program, where it runs already.
 */
export async function supervise(
  { runDir, launch }: RunOrder,
  standing: StandingProgram | null,
  stop: Promise<'stopped'>,
  /** Told what is worth knowing and changes nothing. */
  note: (words: string) => void,
): Promise<boolean> {
  const startTime = await processTable.startTimeOf(process.pid);
  if (startTime === null) throw new Error('The supervisor cannot find itself in the process table');
  const token = standing?.token ?? randomUUID();
  const program = standing?.program.ref ?? null;
  const owner: SupervisorOwner = { type: 'supervisor', pid: process.pid, startTime, token, program };
  if (!(await claimRun(runDir, owner))) {
    if (standing !== null) await dismiss(standing);
    return false;
  }
  standing?.begin(runDir);
  const record = await run(runDir, launch, owner, standing?.program ?? null, stop).catch((error: unknown) =>
    lostBecause(`Its supervisor failed: ${messageOf(error)}`),
  );
  const temporaryPath = temporaryPathOf(token);
  await rm(temporaryPath, { recursive: true, force: true }).catch((error: unknown) => {
    note(`${temporaryPath} stays behind: ${messageOf(error)}`);
  });
  await writeExitRecord(runDir, record);
  return true;
}

async function run(
  runDir: string,
  launch: RunOrder['launch'],
  owner: SupervisorOwner,
  standing: Program | null,
  stop: Promise<'stopped'>,
): Promise<ExitRecord> {
  const obstacle = standing === null ? await findObstacle(launch) : null;
  if (obstacle !== null) return lostBecause(obstacle);

  const program = standing ?? (await startMarked(launch, owner.token, Promise.resolve(runDir)));
  const timer = new AbortController();
  const timeout = delay(Math.min(launch.timeoutMs, longestTimerMs), 'timeout' as const, {
    signal: timer.signal,
  });
  // Cancelling it is a rejection, which is nobody's business when the race below was never reached.
  timeout.catch(() => undefined);
  let reason: ExitRecord['reason'];
  let survivors: readonly ProcessRef[];
  try {
    if (owner.program === null) await updateOwner(runDir, { ...owner, program: program.ref });
    reason = await Promise.race([
      program.exited.then(() => 'exited' as const),
      stop,
      timeout,
      program.inputFailed,
      ...program.outputs.map(({ failed }) => failed),
    ]);
  } finally {
    timer.abort();
    survivors = await endTree(treeOf(owner.token, program), graceMs);
  }
  await Promise.all(program.outputs.map((output) => output.finish()));
  if (survivors.length === 0) return { ...(await program.exited), reason };
  const end = await Promise.race([program.exited, delay(graceMs, { code: null, signal: null })]);
  const detail = `Could not be killed: ${survivors.map(({ pid }) => `process ${pid}`).join(', ')}`;
  return { ...end, reason, detail };
}

/** With a mark that finds it and all that it starts, and a temporary folder of its own. */
async function startMarked(
  { argv, cwd, env }: SupervisedProgram,
  token: string,
  runDir: Promise<string>,
): Promise<Program> {
  const marker = markerOf(token);
  const temporaryPath = temporaryPathOf(token);
  await mkdir(temporaryPath, { mode: 0o700 });
  const marked = { ...env, TMPDIR: temporaryPath, [marker.name]: marker.value };
  return startProgram({ argv, cwd, env: marked }, secretValuesOf(env), runDir);
}

function treeOf(
  token: string,
  program: Program,
): { readonly root: ProcessRef | null; readonly marker: string } {
  return { root: program.ref, marker: markerOf(token).assignment };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
