import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { hold } from './held.ts';
import { fileRights, folderRights, giveOwner } from './permissions.ts';

const separator = Buffer.from(sep);

export interface WalkedFolder {
  readonly path: Buffer;
  /** Leads to this very folder until the next one is asked for, whatever takes its place meanwhile. */
  readonly held: Buffer;
  readonly entries: readonly Dirent<Buffer>[];
}

/**
 * The folder and all below it, none through a link. Names are bytes: one that is not UTF-8 must not hide what lies below. What
 * was taken away when the next one is asked for is not gone into. Their owner may read and write them from then on.
 */
export async function* foldersFrom(root: string): AsyncGenerator<WalkedFolder> {
  const folders: Buffer[] = [Buffer.from(join(await realpath(dirname(root)), basename(root)))];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    const folder = hold(path);
    if (folder === null) continue;
    try {
      if (!folder.status.isDirectory() || !folder.place.equals(path)) continue;
      giveOwner(folder, folderRights);
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

/** Lets the owner read and write all folders. */
export async function openFolders(root: string): Promise<void> {
  const folders = foldersFrom(root);
  while ((await folders.next()).done !== true);
}

/** Lets the owner read all files. False when there was none that it could not. It looks at each of them, which takes long. */
export async function makeFilesReadable(root: string): Promise<boolean> {
  let wasNeeded = false;
  for await (const { held, entries } of foldersFrom(root)) {
    for (const { name } of entries.filter((entry) => entry.isFile())) {
      const file = hold(pathIn(held, name));
      if (file === null) continue;
      try {
        if (file.status.isFile() && giveOwner(file, fileRights)) wasNeeded = true;
      } finally {
        file.release();
      }
    }
  }
  return wasNeeded;
}

async function entriesOf(folder: Buffer): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(folder, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    // Another user's: git cannot read it either.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw error;
  }
}
