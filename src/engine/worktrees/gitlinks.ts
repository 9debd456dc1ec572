import { fieldsOf, type Git } from './git.ts';

/** A commit's never change, and each stage of a task asks for the same one several times. */
const known = new Map<string, readonly string[]>();

/** As many as two tasks at once can use, with some to spare; a repository of many submodules has a long list for each. */
const mostKnown = 20;

/** Where a commit has submodules. */
export async function gitlinksOf(git: Git, commit: string): Promise<readonly string[]> {
  const paths = known.get(commit) ?? (await readGitlinks(git, commit));
  known.delete(commit);
  known.set(commit, paths);
  for (const oldest of known.keys()) if (known.size > mostKnown) known.delete(oldest);
  return paths;
}

async function readGitlinks(git: Git, commit: string): Promise<readonly string[]> {
  const entries = fieldsOf(await git.run(['ls-tree', '-r', '-z', '--full-tree', commit]));
  return entries
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
}
