import type { Stats } from 'node:fs';
import { lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface WrittenFile {
  readonly path: string;
  /** What it takes up on the disk, holes left out. */
  readonly bytes: number;
}

/**
 * The regular files in a folder that were written or changed after `since` (epoch ms), links not followed. By the time
 * of the last change of status: unlike that of the content, no program can set it.
 */
export async function filesWritten(folder: string, since: number): Promise<readonly WrittenFile[]> {
  const written: WrittenFile[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const name of await namesIn(next)) {
      const path = join(next, name);
      const found = await lookAt(path);
      if (found?.isDirectory() === true) folders.push(path);
      else if (found?.isFile() === true && found.ctimeMs > since)
        written.push({ path, bytes: found.blocks * bytesOfBlock });
    }
  }
  return written;
}

export function bytesOf(files: readonly WrittenFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Removes the largest of the files that were written after `since`, until the others take up `keep` bytes at most. */
export async function removeLargest(folder: string, since: number, keep: number): Promise<void> {
  const files = await filesWritten(folder, since);
  let left = bytesOf(files);
  for (const { path, bytes } of files.toSorted((one, other) => other.bytes - one.bytes)) {
    if (left <= keep) return;
    await rm(path, { force: true });
    left -= bytes;
  }
}

/** `st_blocks` counts in these, whatever the file system's own blocks are. */
const bytesOfBlock = 512;

async function namesIn(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) names.push(name);
  } catch (error) {
    if (!isPassedBy(error)) throw error;
  }
  return names;
}

async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isPassedBy(error)) return null;
    throw error;
  }
}

/** A program is at work there: what was listed may be gone or another thing, or closed to us. */
function isPassedBy(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}
