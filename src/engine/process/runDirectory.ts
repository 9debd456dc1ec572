import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { ExitRecord } from '../ports/isolation.ts';
import { readSmall } from './readTail.ts';

/**
 * The files of one run. Both isolations write them alike, so a run is followed, adopted and judged the same way:
 * the program writes `stdout` and `stderr` by itself and never through a pipe that an engine holds.
 */
export const runFiles = {
  /** What was started: argv, timeout, time. Written first; its presence means "started before". No environment in it. */
  launch: 'launch.json',
  /** The program's standard input. */
  stdin: 'stdin',
  /** The program's standard output; for the CLI, stream-json lines. */
  stdout: 'stdout.jsonl',
  stderr: 'stderr.log',
  /** Who runs it: the supervisor's or wrapper's identity, JSON. */
  owner: 'owner.json',
  /** What a supervisor had to say about itself; absent when all went well. */
  supervisorLog: 'supervisor.log',
  /** How it ended; appears by rename, so it is whole or absent. */
  exit: 'exit.json',
} as const;

/** A program's arguments are in them, and these the system limits to less. */
const mostRecordBytes = 8 * 1024 * 1024;

const exitRecordSchema = v.object({
  code: v.nullable(v.number()),
  signal: v.nullable(v.string()),
  reason: v.picklist(['exited', 'timeout', 'stopped', 'lost']),
  detail: v.exactOptional(v.string()),
});

export async function createRunDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/**
 * Makes the directory of a run that begins. Whatever lies there was not put there by us: an agent of an earlier run can
 * write beside its own directory, and must not leave a record or a link for the next one. It is moved aside.
 */
export async function freshRunDirectory(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let number = 1; (await lstat(path).catch(whenAbsent)) !== null; number += 1) {
    const aside = `${path}.planted-${number}`;
    if ((await lstat(aside).catch(whenAbsent)) === null) await rename(path, aside);
  }
  await mkdir(path, { mode: 0o700 });
}

/** Whether something was started in this run directory, or was about to be. */
export async function wasLaunched(runDir: string): Promise<boolean> {
  return (await readRecord(join(runDir, runFiles.launch))) !== null;
}

/** The exit record, or null while there is none. A record that does not parse is an error, not "still running". */
export async function readExitRecord(runDir: string): Promise<ExitRecord | null> {
  const text = await readRecord(join(runDir, runFiles.exit));
  return text === null ? null : v.parse(exitRecordSchema, JSON.parse(text));
}

export async function writeExitRecord(runDir: string, record: ExitRecord): Promise<void> {
  await writeWhole(join(runDir, runFiles.exit), JSON.stringify(record));
}

/**
 * The text of a record in a run directory, or null while there is none. What a program that can write there put in the place of
 * one is none either: a link, a pipe, which would be waited for for ever, a file of any size.
 */
export async function readRecord(path: string): Promise<string | null> {
  return readSmall(path, mostRecordBytes);
}

/** The file's text, or null when it does not exist. */
export async function readIfPresent(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(whenAbsent);
}

/**
 * Has a file written and put in the place of this one: a reader sees the old content or the new one, never a part. It is
 * written under a name that nobody could have prepared, and a link in its place is replaced. `write` refuses a file that is there.
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  await write(temporary);
  await rename(temporary, path);
}

/** Writes the whole file, for this user's eyes only, as `replaceFile` does. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await replaceFile(path, (temporary) => writeFile(temporary, content, { mode: 0o600, flag: 'wx' }));
}

/** Creates the file, whole, unless it exists: of several that try, exactly one is told `true`. */
export async function createWhole(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary);
  }
}

/** For `catch`: a file that does not exist is no failure. */
export function whenAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
