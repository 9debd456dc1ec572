import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSmall } from '../process/readTail.ts';
import { isBehindLink } from './files.ts';
import { fieldsOf, type Git, settingsGit } from './git.ts';
import type { Gitlink } from './gitlinks.ts';
import { letOwnerIn } from './permissions.ts';
import type { Worktree } from './worktree.ts';

/** A commit's submodules by what the worktree has in their place. */
export interface Submodules {
  /** Still submodules: fetched or not, what is in them is no part of the work. */
  readonly standing: readonly Gitlink[];
  /** A folder that is none any more: what is in it may be work. */
  readonly replaced: readonly Gitlink[];
}

/** After repositories that were planted were taken out. One that is gone, or whose place a file took, is in neither: git sees that by itself. */
export async function submodulesIn(worktree: Worktree, gitlinks: readonly Gitlink[]): Promise<Submodules> {
  const found = await Promise.all(gitlinks.map(({ path }) => namesIn(worktree.path, path)));
  const folders = gitlinks.flatMap((gitlink, at) => {
    const names = found[at] ?? null;
    return names === null ? [] : [{ gitlink, isFilled: names.length > 0 && !names.includes('.git') }];
  });
  const standing = folders.filter(({ isFilled }) => !isFilled).map(({ gitlink }) => gitlink);
  const filled = folders.filter(({ isFilled }) => isFilled).map(({ gitlink }) => gitlink);
  if (filled.length === 0) return { standing, replaced: [] };
  // In a container its link leads to a place that is none on the host, and was taken out.
  const named = await namedIn(worktree);
  return {
    standing: [...standing, ...filled.filter(({ path }) => named.has(path))],
    replaced: filled.filter(({ path }) => !named.has(path)),
  };
}

/** Makes room in our index for what lies there now: below a submodule git looks at nothing. */
export async function takeOutOfIndex(git: Git, gitlinks: readonly Gitlink[]): Promise<void> {
  if (gitlinks.length === 0) return;
  const input = gitlinks.map(({ path }) => `${path}\0`).join('');
  await git.run(['update-index', '-z', '--force-remove', '--stdin'], { input });
}

/** Takes those back in whose folders have nothing to commit: what is ignored takes no submodule's place. */
export async function putBackUnlessReplaced(git: Git, gitlinks: readonly Gitlink[]): Promise<void> {
  if (gitlinks.length === 0) return;
  const places = gitlinks.map(({ path }) => path);
  const listed = fieldsOf(await git.run(['--literal-pathspecs', 'ls-files', '-z', '--', ...places]));
  const unreplaced = gitlinks.filter(({ path }) => !listed.some((file) => file.startsWith(`${path}/`)));
  const input = unreplaced.map(({ entry }) => `${entry}\0`).join('');
  await git.run(['update-index', '-z', '--index-info'], { input });
}

/** Null for what is no folder, or not reached without a link. */
async function namesIn(root: string, path: string): Promise<readonly string[] | null> {
  if (await isBehindLink(root, path)) return null;
  const folder = join(root, path);
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  return found?.isDirectory() === true ? readdir(folder) : null;
}

const mostBytes = 1024 * 1024;

/** The paths of the submodules that the worktree's `.gitmodules` names; none where git could not read it. */
async function namedIn({ path }: Worktree): Promise<ReadonlySet<string>> {
  const file = join(path, '.gitmodules');
  letOwnerIn(file);
  const input = (await readSmall(file, mostBytes)) ?? '';
  const { stdout } = await settingsGit(
    ['--file', '-', '-z', '--get-regexp', String.raw`^submodule\..*\.path$`],
    {
      input,
      answers: [0, 1, 3, 128],
    },
  );
  const paths = fieldsOf(stdout).map((field) => field.slice(field.indexOf('\n') + 1));
  return new Set(paths.map((named) => named.replace(/\/+$/, '')));
}
