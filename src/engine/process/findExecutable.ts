import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, sep } from 'node:path';

/** The search path without relative entries and without folders inside `excluded`: a repository must not supply our programs. */
export function trustedPath(searchPath: string, excluded: readonly string[]): string {
  return searchPath
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !excluded.some((root) => isInside(folder, root)))
    .join(delimiter);
}

/** The first executable of this name, as found (a link stays a link: its target changes with updates); null without one. */
export async function findExecutable(
  name: string,
  searchPath: string,
  excluded: readonly string[] = [],
): Promise<string | null> {
  for (const folder of trustedPath(searchPath, excluded).split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    if (await isExecutable(path, excluded)) return path;
  }
  return null;
}

/** Whether this is a file we may execute that does not, through links, lie inside `excluded`. */
export async function isExecutable(path: string, excluded: readonly string[] = []): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const target = await realpath(path);
    return (await stat(target)).isFile() && !excluded.some((root) => isInside(target, root));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP') return false;
    throw error;
  }
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}
