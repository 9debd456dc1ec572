import { lstat, mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { readSmall } from '../process/readTail.ts';
import { readIfPresent, whenAbsent } from '../process/runDirectory.ts';
import { salvage } from './commits.ts';
import { withoutLineEnd } from './git.ts';
import { letOwnerIn } from './permissions.ts';
import { foldersFrom, pathIn } from './walk.ts';
import { branchRef, gitOf, tipOf, type Worktree } from './worktree.ts';

/** Where things that were taken out of a worktree lie: beside it, under names that no git takes for a repository's. */
export function quarantineOf({ path }: Pick<Worktree, 'path'>): string {
  return join(dirname(path), '.quarantine', basename(path));
}

/** Writes the worktree's `.git` file if it is not as it should be. Returns what was wrong, or null. */
export async function putBackGitFile(worktree: Worktree): Promise<string | null> {
  letOwnerIn(worktree.path);
  const path = join(worktree.path, '.git');
  const expected = `gitdir: ${worktree.adminDir}\n`;
  const found = await lstat(path).catch(whenAbsent);
  // The length first: what was put there may be of any size.
  const isFile = found !== null && found.isFile() && found.size === Buffer.byteLength(expected);
  if (isFile && (await readFile(path, 'utf8')) === expected) return null;
  if (found !== null) await quarantine(worktree, Buffer.from(path));
  await writeFile(path, expected, { flag: 'wx' });
  return found === null ? 'The .git file was removed.' : 'The .git file was replaced.';
}

/** Makes HEAD the task's branch again; commits made elsewhere are kept as salvage. Returns what was wrong, or null. */
export async function putBackHead(worktree: Worktree): Promise<string | null> {
  const ref = branchRef(worktree.branch);
  // What git itself writes needs no git to be read.
  if ((await readIfPresent(join(worktree.adminDir, 'HEAD'))) === `ref: ${ref}\n`) return null;
  const git = gitOf(worktree);
  const { stdout } = await git.ask(['symbolic-ref', '--quiet', 'HEAD'], { answers: [0, 1] });
  if (withoutLineEnd(stdout) === ref) return null;
  const commit = await git.commitOf('HEAD');
  if (commit !== null && commit !== (await tipOf(worktree))) await salvage(worktree, commit);
  await git.run(['symbolic-ref', 'HEAD', ref]);
  return `Another branch than ${worktree.branch} was checked out.`;
}

/**
 * Moves every `.git` below the worktree's root out of the tree: a repository planted there runs its own configuration
 * in the next program that looks at it, ignored folder or not. A submodule's link to its repository stays. Returns the paths.
 */
export async function takeOutNestedRepositories(worktree: Worktree): Promise<readonly string[]> {
  const taken: string[] = [];
  let root: Buffer | null = null;
  for await (const { path, held, entries } of foldersFrom(worktree.path)) {
    root ??= path;
    for (const entry of entries) {
      const name = entry.name.toString('latin1');
      if (name.toLowerCase() !== '.git' || (path === root && name === '.git')) continue;
      if (entry.isFile() && (await isSubmoduleLink(worktree, held, entry.name))) continue;
      await quarantine(worktree, pathIn(held, entry.name));
      taken.push(relative(root.toString(), pathIn(path, entry.name).toString()));
    }
  }
  return taken;
}

/** `git submodule update` leaves such files; they lead into git's own folder of this worktree, which no container can write. */
async function isSubmoduleLink({ adminDir }: Worktree, folder: Buffer, name: Buffer): Promise<boolean> {
  const text = await readSmall(pathIn(folder, name), 8192);
  const target = /^gitdir: (.+)\n$/.exec(text ?? '')?.[1];
  if (target === undefined) return false;
  // Joined by hand, so that `..` goes where the links on the way lead and not where the text does.
  const leadsTo = await realpath(isAbsolute(target) ? target : `${folder.toString()}${sep}${target}`).catch(
    () => '',
  );
  return leadsTo.startsWith(join(await realpath(adminDir), 'modules') + sep);
}

async function quarantine(worktree: Worktree, path: Buffer): Promise<void> {
  const folder = quarantineOf(worktree);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // A folder without write permission cannot change its parent.
  letOwnerIn(path);
  await rename(path, join(folder, `${(await readdir(folder)).length + 1}-git`));
}
