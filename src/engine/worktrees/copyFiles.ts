import { constants } from 'node:fs';
import { copyFile, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, posix, sep, win32 } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';

/** A file to copy, checked. */
export interface CopyFile {
  /** Repository-relative, normalized. */
  readonly path: string;
  /** Where its content lies, every link followed. */
  readonly source: string;
}

/** Finds the files in the person's checkout. Throws `bad-input` for one that is missing, no file, or not inside it. */
export async function findCopyFiles(
  topLevel: string,
  paths: readonly string[],
): Promise<readonly CopyFile[]> {
  const root = await realpath(topLevel);
  return Promise.all(
    [...new Set(paths.map(relativePath))].map(async (path) => {
      const source = await realpath(join(root, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
        throw refused(path, `does not exist in "${topLevel}"`, 'Create it');
      });
      if (!source.startsWith(root + sep) || source.startsWith(join(root, '.git') + sep)) {
        throw refused(path, 'is a link that leads out of the checkout', 'Replace it');
      }
      if (!(await stat(source)).isFile())
        throw refused(path, 'is not a file', 'Name the files in it one by one');
      return { path, source };
    }),
  );
}

/** Copies them to the same places in the worktree, over what is there. */
export async function placeCopyFiles(worktreePath: string, files: readonly CopyFile[]): Promise<void> {
  for (const { path, source } of files) {
    const target = join(worktreePath, path);
    await makeFolder(worktreePath, dirname(path), path);
    // Away with what is there first: a link would be written through.
    await rm(target, { force: true });
    await copyFile(source, target, constants.COPYFILE_EXCL);
  }
}

/** Makes the folder step by step: the repository may hold a link on the way that leads out of the worktree. */
async function makeFolder(worktreePath: string, folder: string, path: string): Promise<void> {
  let current = worktreePath;
  for (const step of folder.split('/').filter((name) => name !== '.')) {
    const next = join(current, step);
    await mkdir(next).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if ((await realpath(next)) !== next) {
      throw refused(path, 'would be written through a link in the repository', 'Rename it');
    }
    current = next;
  }
}

function relativePath(path: string): string {
  const normal = posix.normalize(path);
  const steps = normal.split(/[/\\]/);
  const inside =
    !posix.isAbsolute(path) && !win32.isAbsolute(path) && !steps.includes('..') && !path.includes('\0');
  if (
    inside &&
    normal !== '.' &&
    !normal.endsWith('/') &&
    !steps.some((step) => step.toLowerCase() === '.git')
  )
    return normal;
  throw new OrchestratorError('bad-input', `"${path}" cannot be copied into a worktree.`, {
    remedy: 'Name files by their path from the top of the repository, such as ".env".',
  });
}

export function refused(path: string, why: string, remedy: string): OrchestratorError {
  return new OrchestratorError(
    'bad-input',
    `The file "${path}" that is to be copied into the worktree ${why}.`,
    {
      remedy: `${remedy}, or take it out of the files to copy.`,
    },
  );
}
