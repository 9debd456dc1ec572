import { lstatSync } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** True when the path leads to something. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** True when the way from `root` to the path below it leads through a symbolic link, dangling or not. */
export async function isBehindLink(root: string, path: string): Promise<boolean> {
  let current = root;
  for (const step of path.split('/').slice(0, -1)) {
    current = join(current, step);
    const found = await lstat(current).catch(() => null);
    if (found === null) return false;
    if (found.isSymbolicLink()) return true;
  }
  return false;
}

/**
 * Whether names that differ in case alone are one to the file system; null when this folder's does not tell. By its own name, beside
 * which no container can write, and of which no second one can be made.
 */
export function foldsCase(folder: string): boolean | null {
  const name = basename(folder);
  const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
  const [found, alike] = [name, other].map((each) =>
    lstatSync(join(dirname(folder), each), { throwIfNoEntry: false }),
  );
  if (other === name || found === undefined) return null;
  return alike !== undefined && found.dev === alike.dev && found.ino === alike.ino;
}
