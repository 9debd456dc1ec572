import { chmodSync } from 'node:fs';
import { hold, type Held } from './held.ts';

/** What it takes to look through a folder and to change what is in it. */
export const folderRights = 0o700;

/** What it takes to commit a file. */
export const fileRights = 0o400;

/**
 * Gives the owner these rights where they lack: tests leave files and folders without, in which git would fail or see nothing. False
 * when there was no need, and for what is not the person's: git does without it.
 */
export function giveOwner({ path, status }: Held, rights: number): boolean {
  if ((status.mode & rights) === rights) return false;
  try {
    chmodSync(path, (status.mode & 0o7777) | rights);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}

/** The same for the folder at this path, should one be there. */
export function openFolder(path: string | Buffer): void {
  const folder = hold(Buffer.from(path));
  if (folder === null) return;
  try {
    if (folder.status.isDirectory()) giveOwner(folder, folderRights);
  } finally {
    folder.release();
  }
}
