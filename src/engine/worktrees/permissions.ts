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

/** The same for the folder or file at this path, should one be there, and all that it takes. */
export function letOwnerIn(path: string | Buffer): void {
  const found = hold(Buffer.from(path));
  if (found === null) return;
  try {
    if (found.status.isDirectory()) giveOwner(found, folderRights);
    else if (found.status.isFile()) giveOwner(found, fileRights);
  } finally {
    found.release();
  }
}
