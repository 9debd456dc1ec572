import { fieldsOf, type Git } from './git.ts';
import { Recent } from './recent.ts';

/**
 * A commit's never change, and each stage of a task asks for the same one several times. As many as two tasks at once can
 * use, with some to spare; a repository of many submodules has a long list for each.
 */
const known = new Recent<readonly string[]>(20);

/** Where a commit has submodules. */
export async function gitlinksOf(git: Git, commit: string): Promise<readonly string[]> {
  const paths = known.get(commit) ?? (await readGitlinks(git, commit));
  known.set(commit, paths);
  return paths;
}

async function readGitlinks(git: Git, commit: string): Promise<readonly string[]> {
  const entries = fieldsOf(await git.run(['ls-tree', '-r', '-z', '--full-tree', commit]));
  return entries
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
}
