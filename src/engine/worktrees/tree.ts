import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import {
  changesBetween,
  changesInIndex,
  commitTree,
  moveBranch,
  salvage,
  type FileChange,
} from './commits.ts';
import { isBehindLink } from './files.ts';
import { fieldsOf, type Git } from './git.ts';
import { gitlinksOf } from './gitlinks.ts';
import { markerOf } from './marker.ts';
import { takeOutNestedRepositories } from './integrity.ts';
import { withoutOwnDrivers } from './ownDrivers.ts';
import { leaveIndex, renameIndexed, showInIndex, takeUpIndex } from './ownIndex.ts';
import { letOwnerIn } from './permissions.ts';
import { withoutRewritten } from './rewritten.ts';
import { putBackUnlessReplaced, submodulesIn, takeOutOfIndex } from './submodules.ts';
import { makeFilesReadable } from './walk.ts';
import { gitOf, tipOf, type Worktree } from './worktree.ts';

export interface Checkpoint {
  /** The new commit, or the old one when there was nothing to commit. */
  readonly commit: string;
  readonly changed: boolean;
  readonly files: readonly FileChange[];
}

/** The files at one moment: every question about them is answered from here, so all answers agree. */
export interface Snapshot {
  /** The newest commit of the task's branch. */
  readonly tip: string;
  /** Tracked and new files, without ignored ones, copied ones and the insides of submodules; `tip` where nothing differs. */
  readonly tree: string;
  /** What differs between the two. */
  readonly changes: readonly FileChange[];
}

/**
 * Leaves our own index equal to what it returns. What does not wait for one another runs side by side: it is most of a stage.
 * `nested`: whether planted repositories may lie in the worktree; to look for them is a walk through all of its folders.
 */
export async function snapshotOf(
  worktree: Worktree,
  nested: 'unknown' | 'taken out' = 'unknown',
): Promise<Snapshot> {
  letOwnerIn(worktree.path);
  const plain = gitOf(worktree);
  const [tip, { copiedFiles }] = await Promise.all([tipOf(worktree), markerOf(worktree)]);
  const [isAtTip, git, gitlinks] = await Promise.all([
    takeUpIndex(plain, { of: tip, without: copiedFiles }),
    withoutOwnDrivers(plain),
    gitlinksOf(plain, tip),
    // git would take one for a submodule, and fail on one without a commit.
    nested === 'unknown' ? takeOutNestedRepositories(worktree) : null,
  ]);
  if (!isAtTip) {
    // It filters a file whose time tells nothing, to see whether the index still fits.
    await git.run(['read-tree', '--reset', tip]);
    // An agent that committed one of them by itself does not make it part of the work.
    if (copiedFiles.length > 0) {
      await git.run(['update-index', '-z', '--force-remove', '--stdin'], {
        input: copiedFiles.map((path) => `${path}\0`).join(''),
      });
    }
  }
  // Without those that stand: `git add` would run `git status` inside a submodule, by the submodule's own configuration.
  const { standing, replaced } = await submodulesIn(worktree, gitlinks);
  await takeOutOfIndex(git, replaced);
  const added = await addAll(worktree, git, [...copiedFiles, ...standing.map(({ path }) => path)]);
  await putBackUnlessReplaced(git, replaced);
  const isStillTips = added === '' && replaced.length === 0 && (isAtTip || copiedFiles.length === 0);
  const changes = isStillTips ? [] : await withoutRewritten(git, await changesInIndex(git, tip));
  const tree = changes.length === 0 ? tip : await git.line(['write-tree']);
  await leaveIndex(git, { of: tree, without: copiedFiles });
  return { tip, tree, changes };
}

/** Makes our index what the files are, without these paths. Returns what git says it added and removed; '' when nothing. */
async function addAll(worktree: Worktree, git: Git, left: readonly string[]): Promise<string> {
  const behindLinks = await Promise.all(left.map((path) => isBehindLink(worktree.path, path)));
  const excluded = left
    // Not reached anyway, and git refuses to hear of it.
    .filter((_path, index) => behindLinks[index] === false)
    .map((path) => `:(exclude,literal)${path}`);
  const input = ['.', ...excluded].map((pathspec) => `${pathspec}\0`).join('');
  const args = ['add', '--all', '--verbose', '--pathspec-from-file=-', '--pathspec-file-nul'];
  // 1: all is added; it is only displeased that an ignored file was named, be it to leave it out.
  const options = { input, answers: [0, 1] };
  try {
    return await git.run(args, options);
  } catch (error) {
    const isUnreadable = error instanceof OrchestratorError && error.message.includes('Permission denied');
    if (!isUnreadable || !(await makeFilesReadable(worktree.path))) throw error;
    return git.run(args, options);
  }
}

/** `seen`: the files as somebody looked them through; what was written since is left for the next checkpoint. */
export async function commitAll(worktree: Worktree, message: string, seen?: Snapshot): Promise<Checkpoint> {
  const { tip, tree, changes } = seen ?? (await snapshotOf(worktree));
  if (changes.length === 0) return { commit: tip, changed: false, files: [] };
  const git = gitOf(worktree);
  const commit = await commitTree(git, { tree, parents: [tip], message });
  await moveBranch(worktree, commit, tip, 'checkpoint');
  renameIndexed(git, tree, commit);
  await showInIndex(git);
  return { commit, changed: true, files: changes };
}

/** Puts files and branch back to a commit; what that undoes is kept in a salvage commit. Returns the undone paths. */
export async function restoreTo(worktree: Worktree, commit: string): Promise<readonly string[]> {
  const git = gitOf(worktree);
  const { tip, tree, changes } = await snapshotOf(worktree);
  const undone = tip === commit ? changes : await changesBetween(git, commit, tree);
  // Files that are gone from the folder alone, as after a broken checkout, are in the branch.
  if (changes.some(({ kind }) => kind !== 'deleted')) {
    const message = 'Salvage: work that was undone';
    await salvage(worktree, await commitTree(git, { tree, parents: [tip], message }));
  } else if (!(await git.contains(commit, tip))) {
    await salvage(worktree, tip);
  }
  await checkOut(git, commit);
  if (tip !== commit) await moveBranch(worktree, commit, tip, 'restore');
  await removeNoLongerIgnored(worktree, git);
  return undone.map(({ path }) => path);
}

/**
 * Removes the files that only the undone ignore rules hid. Those rules said that they are no work, and no salvage commit has
 * to carry them; left where they are, they would be taken for the next stage's.
 */
async function removeNoLongerIgnored(worktree: Worktree, git: Git): Promise<void> {
  const { copiedFiles } = await markerOf(worktree);
  const untracked = fieldsOf(await git.run(['ls-files', '-z', '--others', '--exclude-standard']));
  for (const path of untracked.filter((each) => !copiedFiles.includes(each))) {
    await rm(join(worktree.path, path), { recursive: true, force: true });
    await removeEmptyFolders(worktree.path, dirname(path));
  }
}

/** This folder and those above it, as git leaves none behind either. */
async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let empty = folder; empty !== '.'; empty = dirname(empty)) {
    try {
      await rmdir(join(root, empty));
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
  }
}

/** git writes files one after the other unless told otherwise. */
const onAllCores = ['-c', 'checkout.workers=0'];

/** Makes the files those of a commit, given that our index describes the files as they are. */
export async function checkOut(git: Git, commit: string): Promise<void> {
  const files = { of: commit, without: [] };
  await takeUpIndex(git, files);
  await (await withoutOwnDrivers(git)).run([...onAllCores, 'read-tree', '--reset', '-u', commit]);
  await leaveIndex(git, files);
  await showInIndex(git);
}
