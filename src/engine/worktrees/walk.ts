import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { hold } from './held.ts';

const separator = Buffer.from(sep);

export interface WalkedFolder {
  readonly path: Buffer;
  /** Leads to this very folder until the next one is asked for, whatever takes its place meanwhile. */
  readonly held: Buffer;
  readonly entries: readonly Dirent<Buffer>[];
}

/**
 * The folder and all below it, none through a link. Names are bytes: one that is not UTF-8 must not hide what lies below. What
 * was taken away when the next one is asked for is not gone into.
 */
export async function* foldersFrom(root: string): AsyncGenerator<WalkedFolder> {
  const folders: Buffer[] = [Buffer.from(join(await realpath(dirname(root)), basename(root)))];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    const folder = hold(path);
    if (folder === null) continue;
    try {
      if (!folder.status.isDirectory() || !folder.place.equals(path)) continue;
      const entries = await entriesOf(folder.path);
      yield { path, held: folder.path, entries };
      for (const entry of entries) if (entry.isDirectory()) folders.push(pathIn(path, entry.name));
    } finally {
      folder.release();
    }
  }
}

export function pathIn(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, separator, name]);
}

async function entriesOf(folder: Buffer): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(folder, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    // git cannot read it either.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw error;
  }
}
