import { fieldsOf, type Git } from './git.ts';
import { Recent } from './recent.ts';

/** Where a commit has a submodule. */
export interface Gitlink {
  readonly path: string;
  /** As git lists it, and takes it for an index. */
  readonly entry: string;
}

/**
 * A commit's never change, and each stage of a task asks for the same one several times. As many as two tasks at once can
 * use, with some to spare; a repository of many submodules has a long list for each.
 */
const known = new Recent<readonly Gitlink[]>(20);

export async function gitlinksOf(git: Git, commit: string): Promise<readonly Gitlink[]> {
  const links = known.get(commit) ?? (await readGitlinks(git, commit));
  known.set(commit, links);
  return links;
}

async function readGitlinks(git: Git, commit: string): Promise<readonly Gitlink[]> {
  const entries = fieldsOf(await git.run(['ls-tree', '-r', '-z', '--full-tree', commit]));
  return entries
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => ({ path: entry.slice(entry.indexOf('\t') + 1), entry }));
}
