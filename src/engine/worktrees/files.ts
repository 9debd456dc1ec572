import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';

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
