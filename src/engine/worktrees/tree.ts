import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { changesBetween, commitTree, moveBranch, salvage, statBetween, type FileChange } from './commits.ts';
import { isBehindLink } from './files.ts';
import { fieldsOf, type Git } from './git.ts';
import { markerOf } from './marker.ts';
import { takeOutNestedRepositories } from './integrity.ts';
import { withoutOwnDrivers } from './ownDrivers.ts';
import { gitOf, tipOf, type Worktree } from './worktree.ts';

export interface Checkpoint {
  /** The new commit, or the old one when there was nothing to commit. */
  readonly commit: string;
  readonly changed: boolean;
  readonly files: readonly FileChange[];
  /** As `git diff --stat` shows it; '' when nothing changed. */
  readonly stat: string;
}

/**
 * The files as a tree: tracked and new ones, without ignored ones, copied ones and the insides of submodules.
 * Leaves our own index equal to it. Every question about the files is answered from here, so all answers agree.
 */
async function snapshot(worktree: Worktree): Promise<string> {
  const git = await withoutOwnDrivers(gitOf(worktree));
  const { copiedFiles } = await markerOf(worktree);
  // git would take one for a submodule, and fail on one without a commit.
  await takeOutNestedRepositories(worktree);
  // Only this engine uses this index, one at a time: a lock is what a killed git left.
  await rm(`${indexFileOf(git)}.lock`, { force: true });
  await git.run(['read-tree', '--reset', await tipOf(worktree)]);
  if (copiedFiles.length > 0) {
    // An agent that committed one of them by itself does not make it part of the work.
    await git.run(['update-index', '-z', '--force-remove', '--stdin'], {
      input: copiedFiles.map((path) => `${path}\0`).join(''),
    });
  }
  // `git add` would run `git status` inside a submodule, by the submodule's own configuration.
  const left = [...copiedFiles, ...(await submodules(git))];
  const behindLinks = await Promise.all(left.map((path) => isBehindLink(worktree.path, path)));
  const excluded = left
    // Not reached anyway, and git refuses to hear of it.
    .filter((_path, index) => behindLinks[index] === false)
    .map((path) => `:(exclude,literal)${path}`);
  const input = ['.', ...excluded].map((pathspec) => `${pathspec}\0`).join('');
  await git.run(['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    input,
    // 1: all is added; it is only displeased that an ignored file was named, be it to leave it out.
    answers: [0, 1],
  });
  return git.line(['write-tree']);
}

async function submodules(git: Git): Promise<readonly string[]> {
  const entries = fieldsOf(await git.run(['ls-files', '-z', '--stage']));
  return entries
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
}

export async function changesOf(worktree: Worktree): Promise<readonly FileChange[]> {
  return changesBetween(gitOf(worktree), await tipOf(worktree), await snapshot(worktree));
}

export async function commitAll(worktree: Worktree, message: string): Promise<Checkpoint> {
  const git = gitOf(worktree);
  const tip = await tipOf(worktree);
  const tree = await snapshot(worktree);
  if (tree === (await git.treeOf(tip))) return { commit: tip, changed: false, files: [], stat: '' };
  const commit = await commitTree(git, { tree, parents: [tip], message });
  await moveBranch(worktree, commit, tip, 'checkpoint');
  await showInIndex(git);
  return {
    commit,
    changed: true,
    files: await changesBetween(git, tip, commit),
    stat: await statBetween(git, tip, commit),
  };
}

/** Puts files and branch back to a commit; what that undoes is kept in a salvage commit. Returns the undone paths. */
export async function restoreTo(worktree: Worktree, commit: string): Promise<readonly string[]> {
  const git = gitOf(worktree);
  const tip = await tipOf(worktree);
  const tree = await snapshot(worktree);
  const undone = await changesBetween(git, commit, tree);
  // Files that are gone from the folder alone, as after a broken checkout, are in the branch.
  if ((await changesBetween(git, tip, tree)).some(({ kind }) => kind !== 'deleted')) {
    const message = 'Salvage: work that was undone';
    await salvage(worktree, await commitTree(git, { tree, parents: [tip], message }));
  } else if (!(await git.contains(commit, tip))) {
    await salvage(worktree, tip);
  }
  await checkOut(git, commit);
  if (tip !== commit) await moveBranch(worktree, commit, tip, 'restore');
  return undone.map(({ path }) => path);
}

/** Makes the files those of a commit, given that our index describes the files as they are. */
export async function checkOut(git: Git, commit: string): Promise<void> {
  await (await withoutOwnDrivers(git)).run(['read-tree', '--reset', '-u', commit]);
  await showInIndex(git);
}

/** Makes the worktree's own index ours, for the person's git and editor. By rename: a lock left there is no obstacle. */
async function showInIndex(git: Git): Promise<void> {
  const temporary = join(git.place.gitDir, 'orchestrator-index.copy');
  await copyFile(indexFileOf(git), temporary);
  await rename(temporary, join(git.place.gitDir, 'index'));
}

function indexFileOf({ place }: Git): string {
  return place.indexFile ?? join(place.gitDir, 'index');
}
