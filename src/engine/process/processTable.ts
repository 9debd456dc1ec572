import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessRef {
  readonly pid: number;
  /** Opaque; differs between two processes of one pid, also across a restart of the machine. */
  readonly startTime: string;
}

export interface ProcessEntry extends ProcessRef {
  readonly parentPid: number;
}

/** Who runs now and who is marked. A zombie counts as gone: it runs nothing and holds nothing. */
export interface ProcessTable {
  /** When the process started, or null when there is none. */
  startTimeOf(pid: number): Promise<string | null>;
  list(): Promise<readonly ProcessEntry[]>;
  /** Those of `among` that were started with this `NAME=value` in their environment, as far as it is readable. */
  withVariable(assignment: string, among: readonly ProcessEntry[]): Promise<ReadonlySet<number>>;
  /** True when the one certainly started before the other. */
  isOlder(one: ProcessRef, other: ProcessRef): boolean;
}

/**
 * `/proc` of Linux: no programs started, exact to the clock tick. Read synchronously: its files are memory, and a hundred
 * of them through the thread pool take four times as long, at the end of every run.
 */
class ProcTable implements ProcessTable {
  private bootId: Promise<string> | undefined;

  async startTimeOf(pid: number): Promise<string | null> {
    return this.read(pid, await this.boot())?.startTime ?? null;
  }

  async list(): Promise<readonly ProcessEntry[]> {
    const boot = await this.boot();
    return allPids()
      .map((pid) => this.read(pid, boot))
      .filter((entry) => entry !== null);
  }

  async withVariable(assignment: string, among: readonly ProcessEntry[]): Promise<ReadonlySet<number>> {
    const isMarked = (pid: number): boolean =>
      `\0${readOfProcess(`/proc/${pid}/environ`) ?? ''}\0`.includes(`\0${assignment}\0`);
    return new Set(among.map(({ pid }) => pid).filter(isMarked));
  }

  isOlder(one: ProcessRef, other: ProcessRef): boolean {
    const [[oneBoot, oneTicks], [otherBoot, otherTicks]] = [
      one.startTime.split(':'),
      other.startTime.split(':'),
    ];
    return oneBoot === otherBoot && Number(oneTicks) < Number(otherTicks);
  }

  private read(pid: number, boot: string): ProcessEntry | null {
    const stat = readOfProcess(`/proc/${pid}/stat`);
    if (stat === null) return null;
    // The program's name stands in parentheses and may itself contain spaces and parentheses.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return null;
    // Clock ticks since boot, field 22 of the line: they would repeat after a restart of the machine.
    const ticks = rest[17];
    if (parent === undefined || ticks === undefined) throw new Error(`/proc/${pid}/stat is cut short`);
    return { pid, parentPid: Number(parent), startTime: `${boot}:${ticks}` };
  }

  private boot(): Promise<string> {
    this.bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((id) => id.trim());
    return this.bootId;
  }
}

function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process may go, or belong to someone else, between seeing and reading it: both mean "not ours". */
function readOfProcess(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
    throw error;
  }
}

const runFile = promisify(execFile);

/** `ps` of macOS and the BSDs: start times to the second; environments of the system's own protected programs are hidden. */
class PsTable implements ProcessTable {
  async startTimeOf(pid: number): Promise<string | null> {
    const entries = await this.list();
    return entries.find((entry) => entry.pid === pid)?.startTime ?? null;
  }

  async list(): Promise<readonly ProcessEntry[]> {
    return parsePs(await ps(['-A', '-o', 'pid=,ppid=,stat=,lstart=']));
  }

  async withVariable(assignment: string, among: readonly ProcessEntry[]): Promise<ReadonlySet<number>> {
    const marked = parsePsWithVariable(await ps(['-A', '-E', '-ww', '-o', 'pid=,command=']), assignment);
    return new Set(among.map(({ pid }) => pid).filter((pid) => marked.has(pid)));
  }

  /** To the second, and the clock may have been set: no order can be had from it. */
  isOlder(): boolean {
    return false;
  }
}

async function ps(args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await runFile('/bin/ps', [...args], {
      env: { LC_ALL: 'C', TZ: 'UTC' },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    // Exit code 1 is how `ps` says that no process matched.
    if ((error as { readonly code?: unknown }).code === 1) return '';
    throw error;
  }
}

/** Lines of `pid ppid stat lstart`. */
export function parsePs(text: string): readonly ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    const [, pid, parentPid, state, startTime] = match ?? [];
    if (pid === undefined || parentPid === undefined || startTime === undefined) return [];
    return state?.startsWith('Z') === true
      ? []
      : [{ pid: Number(pid), parentPid: Number(parentPid), startTime }];
  });
}

/** Of lines of `pid command environment`, the pids of those with this assignment as a word. */
export function parsePsWithVariable(text: string, assignment: string): ReadonlySet<number> {
  const lines = text.split('\n').filter((line) => `${line} `.includes(` ${assignment} `));
  return new Set(lines.map((line) => Number.parseInt(line, 10)));
}

export const processTable: ProcessTable = process.platform === 'linux' ? new ProcTable() : new PsTable();

/** Whether exactly this process, not a later one with its number, still runs. */
export async function isAlive(process: ProcessRef): Promise<boolean> {
  return (await processTable.startTimeOf(process.pid)) === process.startTime;
}
