import { constants } from 'node:fs';
import { copyFile, lstat, mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OrchestratorError } from '../../ports/errors.ts';
import { whenAbsent } from '../../process/runDirectory.ts';

/** A private copy of a database as it was at one moment, with what SQLite needs to complete it. */
export interface DatabaseCopy {
  readonly directory: string;
  readonly name: string;
  /** The file that was copied, links followed. */
  readonly source: string;
  remove(): Promise<void>;
}

const name = 'board.sqlite';
const magic = 'SQLite format 3\0';

/** A board writes a line of a log now and then: some try falls between two writes. */
const tries = 40;
const betweenTriesMs = 50;

/**
 * Copies a database that may be in use, and touches nothing of it: the file first, then its write-ahead log or rollback
 * journal, again until nothing was written meanwhile that would tear the two apart. SQLite completes the copy.
 */
export async function copyDatabase(path: string): Promise<DatabaseCopy> {
  const source = await locate(path);
  const directory = await mkdtemp(join(tmpdir(), 'orch-board-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      if (attempt > 1) await delay(betweenTriesMs);
      if (await copyOnce(source, directory)) return { directory, name, source, remove };
    }
  } catch (error) {
    await remove();
    if (OrchestratorError.is(error)) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new OrchestratorError('environment', `${source} cannot be copied: ${words}`, {
      remedy: 'Check that the temporary folder has space for a copy of it.',
      cause: error,
    });
  }
  await remove();
  throw new OrchestratorError('environment', `${source} is written to all the time.`, {
    remedy: 'Close Vibe Kanban, or stop the tasks that run in it, and try again.',
  });
}

async function locate(path: string): Promise<string> {
  let source: string;
  try {
    // Its journal lies beside the file itself, not beside a link to it.
    source = await realpath(path);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new OrchestratorError('bad-input', `There is no database ${path}: ${words}`);
  }
  if (!(await lstat(source)).isFile()) throw new OrchestratorError('bad-input', `${path} is not a file.`);
  const head = await headOf(source, magic.length).catch((error: Error) => {
    throw new OrchestratorError('bad-input', `${path} cannot be read: ${error.message}`);
  });
  if (head?.toString('latin1') !== magic) {
    throw new OrchestratorError('bad-input', `${path} is not an SQLite database.`, {
      remedy: "Give the path of Vibe Kanban's db.v2.sqlite or db.sqlite.",
    });
  }
  return source;
}

/** False when something was written meanwhile. */
async function copyOnce(source: string, directory: string): Promise<boolean> {
  const before = await fingerprint(source);
  const target = join(directory, name);
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  for (const suffix of ['-wal', '-journal']) {
    await rm(`${target}${suffix}`, { force: true });
    const side = await sideFile(`${source}${suffix}`);
    if (side === null) continue;
    const copied = await copyFile(
      `${source}${suffix}`,
      `${target}${suffix}`,
      constants.COPYFILE_FICLONE,
    ).then(() => true, whenAbsent);
    if (copied !== true) return false;
  }
  return before !== null && before === (await fingerprint(source));
}

/**
 * What stays the same as long as file and journal, copied one after the other, fit together. With a write-ahead log that
 * is the log's own header: frames may come on at its end, and pages may go from it into the file, where the copy of the
 * log has them too. Otherwise nothing may change at all.
 */
async function fingerprint(source: string): Promise<string | null> {
  const head = await headOf(source, 100);
  if (head === null) return null;
  const isLogged = head[18] === 2;
  const log = isLogged ? await headOf(`${source}-wal`, 32) : null;
  const { ino, size, mtimeNs } = await lstat(source, { bigint: true });
  if (log !== null && log.length === 32) return `${ino} log ${log.toString('hex')}`;
  const journal = isLogged ? null : await sideFile(`${source}-journal`);
  return [
    ino,
    size,
    mtimeNs,
    head.toString('hex'),
    ...(journal === null ? [] : [journal.ino, journal.size, journal.mtimeNs]),
  ].join(' ');
}

/** Null when it is not there or empty. A link is not what SQLite puts there, nor would it follow one. */
async function sideFile(
  path: string,
): Promise<{ readonly ino: bigint; readonly size: bigint; readonly mtimeNs: bigint } | null> {
  const found = await lstat(path, { bigint: true }).catch(whenAbsent);
  if (found === null || (found.isFile() && found.size === 0n)) return null;
  if (found.isFile()) return found;
  throw new OrchestratorError('bad-input', `${path} is not a file, so the database beside it is not taken.`, {
    remedy: 'Move it away if it is not of Vibe Kanban.',
  });
}

/** The first bytes, fewer when the file is shorter; null when there is none. */
async function headOf(path: string, length: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch(whenAbsent);
  if (file === null) return null;
  try {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
