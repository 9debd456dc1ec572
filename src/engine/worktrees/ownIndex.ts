import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegular } from '../process/readTail.ts';
import { replaceFile, whenAbsent } from '../process/runDirectory.ts';
import type { Git } from './git.ts';
import { Recent } from './recent.ts';

/** The files that an index is about. */
export interface IndexedFiles {
  /** A commit or a tree. */
  readonly of: string;
  /** Paths that were taken out of the index, should they have been there. */
  readonly without: readonly string[];
}

interface IndexFile {
  readonly size: number;
  /** git takes it for the time of its last look at the files. */
  readonly mtimeNs: bigint;
  readonly digest: string;
}

/** Of the worktrees that two tasks at once can use, with some to spare. */
const left = new Recent<IndexFile & { readonly files: IndexedFiles }>(20);

/**
 * Makes our index one to go on with, before a command that writes it. True when it is about these files already, byte for
 * byte as `leaveIndex` saw it. On the host an agent can write it, and marks in it would hide files from git for good: one
 * that is not as we left it is removed, and git looks at every file anew.
 */
export async function takeUpIndex(git: Git, { of, without }: IndexedFiles): Promise<boolean> {
  const path = indexFileOf(git);
  // Only this engine uses this index, one at a time: a lock is what a killed git left.
  await rm(`${path}.lock`, { force: true });
  // Until it is left again: a command that fails may have written it.
  const known = left.take(path);
  if (known === undefined) return false;
  const found = await indexFileAt(path, known.size);
  if (found?.digest !== known.digest || found.mtimeNs !== known.mtimeNs) {
    await rm(path, { recursive: true, force: true });
    return false;
  }
  return known.files.of === of && known.files.without.join('\0') === without.join('\0');
}

/** Remembers our index as the last command left it: about these files. */
export async function leaveIndex(git: Git, files: IndexedFiles): Promise<void> {
  const path = indexFileOf(git);
  const file = await indexFileAt(path);
  if (file !== null) left.set(path, { ...file, files });
}

/** The index is about a tree that was made a commit: the same files by another name. */
export function renameIndexed(git: Git, tree: string, commit: string): void {
  const path = indexFileOf(git);
  const known = left.get(path);
  if (known?.files.of === tree) left.set(path, { ...known, files: { ...known.files, of: commit } });
}

/** Makes the worktree's own index ours, for the person's git and editor. By rename: a lock left there is no obstacle. */
export async function showInIndex(git: Git): Promise<void> {
  await copyIndex(indexFileOf(git), join(git.place.gitDir, 'index'));
}

/** Copies an index, should there be one, with the time of its last look at the files: to a later one, what changed since would look old. */
export async function copyIndex(from: string, to: string): Promise<void> {
  const found = await stat(from).catch(whenAbsent);
  if (found === null) return;
  // A part of a millisecond earlier, for a time in nanoseconds does not fit: then git reads one file more.
  const seconds = Math.floor(found.mtimeMs) / 1000;
  await replaceFile(to, async (temporary) => {
    await copyFile(from, temporary, constants.COPYFILE_EXCL);
    await utimes(temporary, seconds, seconds);
  });
}

/** Null for none, for what is no file, and for one of more bytes: what was put there may be of any size. */
async function indexFileAt(path: string, mostBytes = Infinity): Promise<IndexFile | null> {
  const file = await openRegular(path);
  if (file === null) return null;
  try {
    const { size, mtimeNs } = await file.stat({ bigint: true });
    if (size > mostBytes) return null;
    const digest = createHash('sha256')
      .update(await file.readFile())
      .digest('hex');
    return { size: Number(size), mtimeNs, digest };
  } finally {
    await file.close();
  }
}

function indexFileOf({ place }: Git): string {
  return place.indexFile ?? join(place.gitDir, 'index');
}
