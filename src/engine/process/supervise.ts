import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExitRecord } from '../ports/isolation.ts';
import { findExecutable, isExecutable } from './findExecutable.ts';
import { OutputFile } from './outputFile.ts';
import { processTable, type ProcessRef } from './processTable.ts';
import { endTree } from './processTree.ts';
import { Redactor, secretValuesOf } from './redactor.ts';
import { runFiles, writeExitRecord } from './runDirectory.ts';
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

interface Program {
  readonly pid: number | undefined;
  readonly exited: Promise<ProgramEnd>;
  readonly stdout: Readable;
  readonly stderr: Readable;
}
type ProgramEnd = Pick<ExitRecord, 'code' | 'signal'>;

const unknownEnd: ProgramEnd = { code: null, signal: null };

/**
 * Runs one program to its end and records it: streams first, then the whole tree's death, the exit record last.
 * Does nothing when the run has an owner already or was given up.
 */
export async function supervise(
  runDir: string,
  launch: SupervisorLaunch,
  stop: Promise<'stopped'>,
): Promise<void> {
  const startTime = await processTable.startTimeOf(process.pid);
  if (startTime === null) throw new Error('The supervisor cannot find itself in the process table');
  const token = randomUUID();
  const owner: SupervisorOwner = { type: 'supervisor', pid: process.pid, startTime, token, program: null };
  if (!(await claimRun(runDir, owner))) return;

  const temporaryPath = temporaryPathOf(token);
  const record = await run(runDir, launch, owner, stop).catch((error: unknown): ExitRecord => ({
    ...unknownEnd,
    reason: 'lost',
    detail: `Its supervisor failed: ${messageOf(error)}`,
  }));
  await rm(temporaryPath, { recursive: true, force: true }).catch((error: unknown) => {
    process.stderr.write(`${temporaryPath} stays behind: ${messageOf(error)}\n`);
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
  if (obstacle !== null) return { ...unknownEnd, reason: 'lost', detail: obstacle };

  const marker = markerOf(owner.token);
  const temporaryPath = temporaryPathOf(owner.token);
  await mkdir(temporaryPath, { mode: 0o700 });
  const program = await startProgram(runDir, {
    ...launch,
    env: { ...launch.env, TMPDIR: temporaryPath, [marker.name]: marker.value },
  });
  const secrets = secretValuesOf(launch.env);
  const outputs = [
    new OutputFile(program.stdout, join(runDir, runFiles.stdout), new Redactor(secrets)),
    new OutputFile(program.stderr, join(runDir, runFiles.stderr), new Redactor(secrets)),
  ];
  const timer = new AbortController();
  const timeout = delay(Math.min(launch.timeoutMs, longestTimerMs), 'timeout' as const, {
    signal: timer.signal,
  });
  timeout.catch(() => undefined);
  const outputFailure = Promise.all(outputs.map(({ done }) => done)).then(() => new Promise<never>(() => {}));
  outputFailure.catch(() => undefined);

  const root = await refOf(program);
  let reason: ExitRecord['reason'];
  let survivors: readonly ProcessRef[];
  try {
    await updateOwner(runDir, { ...owner, program: root });
    reason = await Promise.race([program.exited.then(() => 'exited' as const), stop, timeout, outputFailure]);
  } finally {
    timer.abort();
    survivors = await endTree({ root, marker: marker.assignment }, graceMs);
  }
  await Promise.all(outputs.map((output) => output.finish()));
  if (survivors.length === 0) return { ...(await program.exited), reason };
  const detail = `Could not be killed: ${survivors.map(({ pid }) => `process ${pid}`).join(', ')}`;
  return { ...(await Promise.race([program.exited, delay(graceMs, unknownEnd)])), reason, detail };
}

/** Why the program cannot even be started, for a person; spawn itself says ENOENT for all of it, or nothing. */
async function findObstacle({ argv: [file], cwd, env }: SupervisorLaunch): Promise<string | null> {
  const folder = await stat(cwd).catch(() => null);
  if (folder?.isDirectory() !== true) return `The working directory ${cwd} does not exist`;
  const isThere = file.includes('/')
    ? await isExecutable(resolve(cwd, file))
    : (await findExecutable(file, env['PATH'] ?? '')) !== null;
  return isThere ? null : `There is no executable ${file}`;
}

async function startProgram(runDir: string, { argv, cwd, env }: SupervisorLaunch): Promise<Program> {
  const stdin = await open(join(runDir, runFiles.stdin), 'r');
  try {
    const [file, ...args] = [...(await deathGuard()), ...argv];
    const stdio = [stdin.fd, 'pipe', 'pipe'] as const;
    const child = spawn(file ?? argv[0], args, { cwd, env, detached: true, stdio: [...stdio] });
    // Listened for from the first moment: a short program is gone before the next line.
    const exited = new Promise<ProgramEnd>((settle) => {
      child.once('exit', (code, signal) => settle({ code, signal }));
    });
    await once(child, 'spawn');
    const { pid, stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('The program was started without pipes');
    return { pid, exited, stdout, stderr };
  } finally {
    await stdin.close();
  }
}

/** On Linux, where there is `setpriv`, the kernel kills the program when its supervisor is killed. */
async function deathGuard(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const setpriv = await findExecutable('setpriv', '/usr/bin:/bin:/run/current-system/sw/bin');
  if (setpriv === null) return [];
  const guard = [setpriv, '--pdeathsig', 'KILL', '--'];
  // BusyBox has a `setpriv` that does not know the option.
  const probe = spawnSync(setpriv, [...guard.slice(1), setpriv, '--version'], { stdio: 'ignore' });
  return probe.status === 0 ? guard : [];
}

/** The program's identity, or null when it has ended already. */
async function refOf({ pid }: Program): Promise<ProcessRef | null> {
  const startTime = pid === undefined ? null : await processTable.startTimeOf(pid);
  return pid === undefined || startTime === null ? null : { pid, startTime };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
