import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExitRecord } from '../ports/isolation.ts';
import { findExecutable, isExecutable } from './findExecutable.ts';
import { OutputFile } from './outputFile.ts';
import { processTable, type ProcessRef } from './processTable.ts';
import { type ByteFilter, chained, Redactor } from './redactor.ts';
import { runFiles } from './runDirectory.ts';
import { PieceCutter } from './streamPieces.ts';
import type { SupervisedProgram } from './supervisorProtocol.ts';

export interface Program {
  /** Null when it had ended before it could be looked at. */
  readonly ref: ProcessRef | null;
  readonly exited: Promise<Pick<ExitRecord, 'code' | 'signal'>>;
  readonly outputs: readonly OutputFile[];
  /** Never resolves; rejects when its input could not be read. */
  readonly inputFailed: Promise<never>;
}

/** Why the program cannot be started, for a person; spawn itself says ENOENT for all of it, or nothing. */
export async function findObstacle({ argv: [file], cwd, env }: SupervisedProgram): Promise<string | null> {
  const folder = await stat(cwd).catch(() => null);
  if (folder?.isDirectory() !== true) return `The working directory ${cwd} does not exist`;
  const isThere = file.includes('/')
    ? await isExecutable(resolve(cwd, file))
    : (await findExecutable(file, env['PATH'] ?? '')) !== null;
  return isThere ? null : `There is no executable ${file}`;
}

/**
 * Starts the program in a process group of its own. Its standard input comes from the run directory and its output goes
 * there, secrets redacted, as soon as it is known which that is.
 */
export async function startProgram(
  { argv, cwd, env }: SupervisedProgram,
  secrets: readonly string[],
  runDir: Promise<string>,
): Promise<Program> {
  const [file = argv[0], ...args] = [...(await deathGuard()), ...argv];
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  // No await before all listen: a short program may end in the next turn, and Node throws away what nobody reads then.
  const exited = new Promise<Pick<ExitRecord, 'code' | 'signal'>>((settle) => {
    child.once('exit', (code, signal) => settle({ code, signal }));
  });
  const fileOf = (name: string) => runDir.then((path) => open(join(path, name), 'a', 0o600));
  const outputs = [
    new OutputFile(child.stdout, fileOf(runFiles.stdout), withoutSecrets(secrets)),
    new OutputFile(child.stderr, fileOf(runFiles.stderr), new Redactor(secrets)),
  ];
  const inputFailed = runDir
    .then((path) => feed(child.stdin, join(path, runFiles.stdin)))
    .then(() => new Promise<never>(() => {}));
  // Told to those who wait for it, who may come later than the failure.
  inputFailed.catch(() => undefined);
  await once(child, 'spawn');
  const { pid } = child;
  const startTime = pid === undefined ? null : await processTable.startTimeOf(pid);
  const ref = pid === undefined || startTime === null ? null : { pid, startTime };
  return { ref, exited, outputs, inputFailed };
}

/** Rejects when the file cannot be read. A program need not read all that it is given, or any of it: its own end tells. */
async function feed(stdin: Writable, path: string): Promise<void> {
  const file = await open(path, 'r');
  await pipeline(file.createReadStream(), stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === 'read') throw error;
  });
}

function withoutSecrets(secrets: readonly string[]): ByteFilter {
  const redactor = new Redactor(secrets);
  return secrets.length === 0 ? redactor : chained(new PieceCutter(), redactor);
}

let guard: Promise<readonly string[]> | undefined;

/** On Linux, where there is `setpriv`, the kernel kills the program when its supervisor is killed. Looked for once. */
export function deathGuard(): Promise<readonly string[]> {
  guard ??= findDeathGuard();
  return guard;
}

async function findDeathGuard(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const setpriv = await findExecutable('setpriv', '/usr/bin:/bin:/run/current-system/sw/bin');
  if (setpriv === null) return [];
  const options = ['--pdeathsig', 'KILL', '--'];
  // BusyBox has a `setpriv` that does not know the option.
  const probe = spawnSync(setpriv, [...options, setpriv, '--version'], { stdio: 'ignore' });
  return probe.status === 0 ? [setpriv, ...options] : [];
}
