import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { OrchestratorError } from '../ports/errors.ts';

export interface ExecuteOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** False: `env` is the whole environment. Default: it comes on top of this process's own. */
  readonly extendEnv?: boolean;
  /** Fed to standard input, then end of file; without it standard input is closed. */
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Most characters of either stream. */
  readonly maxBuffer?: number;
}

export interface ExecuteResult {
  /** 128 + signal number when a signal ended it, as in a shell. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program gets between being asked to end and being killed. */
const graceMs = 2000;

/** More than any listing or patch that a person could still read; keeps a runaway program from filling the memory. */
const defaultMaxBuffer = 100_000_000;

const hasProcessGroups = process.platform !== 'win32';

type Execute = (file: string, args: readonly string[], options: ExecuteOptions) => Promise<ExecuteResult>;

/** Who starts programs: the newest. None: this process itself, as a short command does best. */
const starters = new Set<Execute>();

/** From now on this one starts the programs, until what is returned is called. */
export function executeThrough(starter: Execute): () => void {
  starters.add(starter);
  return () => starters.delete(starter);
}

/**
 * Runs a program to its end, without a shell. Resolves on any exit code. Throws an `OrchestratorError` when it could not
 * run (`environment`), ran too long (`timeout`) or was aborted (`killed`); the last two end its whole process group.
 */
export async function execute(
  file: string,
  args: readonly string[],
  options: ExecuteOptions = {},
): Promise<ExecuteResult> {
  if (options.signal?.aborted === true) throw aborted(file);
  return ([...starters].at(-1) ?? executeHere)(file, args, options);
}

/** `execute` by this very process. */
export async function executeHere(
  file: string,
  args: readonly string[],
  options: ExecuteOptions,
): Promise<ExecuteResult> {
  const { cwd, env, input, signal, timeoutMs } = options;
  const maxBuffer = options.maxBuffer ?? defaultMaxBuffer;

  const subprocess = execa(file, [...args], {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...env } }),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    extendEnv: options.extendEnv ?? true,
    detached: hasProcessGroups,
    maxBuffer,
    reject: false,
    stripFinalNewline: false,
  });

  const timeout = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([signal, timeout].filter((each) => each !== null && each !== undefined));
  const stopped = new Promise<null>((resolve) => {
    stop.addEventListener('abort', () => resolve(null), { once: true });
  });

  const result = await Promise.race([subprocess, stopped]);
  if (result === null) {
    await endGroup(subprocess);
    throw timeout?.aborted === true
      ? new OrchestratorError('timeout', `${file} did not end within ${timeoutMs} ms and was ended.`)
      : aborted(file);
  }
  if (result.isMaxBuffer) {
    await endGroup(subprocess);
    throw new OrchestratorError(
      'environment',
      `${file} put out more than ${maxBuffer} characters and was ended.`,
    );
  }
  const { exitCode, signal: endedBy } = result;
  if (exitCode !== undefined) return { exitCode, stdout: result.stdout, stderr: result.stderr };
  if (endedBy !== undefined) {
    return { exitCode: 128 + constants.signals[endedBy], stdout: result.stdout, stderr: result.stderr };
  }
  throw await cannotRun(file, cwd, result);
}

function aborted(file: string): OrchestratorError {
  return new OrchestratorError('killed', `${file} was ended because the work it belongs to was stopped.`);
}

/**
 * Asks the whole group to end, then kills what is left of it. A descendant that left the group may hold the pipes open
 * for ever, so they are not waited for.
 */
async function endGroup(subprocess: PromiseLike<unknown> & Killable): Promise<void> {
  signalGroup(subprocess, 'SIGTERM');
  const over = new AbortController();
  await Promise.race([subprocess, delay(graceMs, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
  signalGroup(subprocess, 'SIGKILL');
  subprocess.stdout?.destroy();
  subprocess.stderr?.destroy();
}

interface Killable {
  readonly pid?: number | undefined;
  readonly stdout: { destroy(): unknown } | null;
  readonly stderr: { destroy(): unknown } | null;
  kill(signal: NodeJS.Signals): boolean;
}

function signalGroup(subprocess: Killable, signal: NodeJS.Signals): void {
  if (subprocess.pid === undefined) return;
  if (!hasProcessGroups) {
    subprocess.kill(signal);
    return;
  }
  try {
    process.kill(-subprocess.pid, signal);
  } catch (error) {
    // ESRCH: all of it is gone; EPERM (macOS): only zombies are left.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The spawn error says ENOENT for a missing program and for a missing folder alike. */
async function cannotRun(
  file: string,
  cwd: string | undefined,
  result: { readonly code?: string | undefined; readonly cause?: unknown },
): Promise<OrchestratorError> {
  const { code, cause } = result;
  if (cwd !== undefined && !(await isDirectory(cwd))) {
    return new OrchestratorError('environment', `Cannot run ${file} in "${cwd}": there is no such folder.`, {
      cause,
    });
  }
  // A folder of the PATH that must not be searched makes EACCES of a program that is nowhere.
  if (code === 'ENOENT' || (code === 'EACCES' && basename(file) === file)) {
    return new OrchestratorError('environment', `Cannot run ${file}: there is no such program.`, {
      remedy: `Install ${file} and make sure that it is on the PATH.`,
      cause,
    });
  }
  const reason = cause instanceof Error ? cause.message : (code ?? 'unknown reason');
  return new OrchestratorError('environment', `Cannot run ${file}: ${reason}`, { cause });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
