import type { FileChange } from './commits.ts';
import { markerOf } from './marker.ts';
import { snapshotOf } from './tree.ts';
import type { Worktree } from './worktree.ts';

export interface Uncommitted {
  /** Before the files are checked out, those that are not there are no deletion. */
  readonly changes: readonly FileChange[];
  /** False while files of its commit may be missing because they were never checked out: a commit made there would delete them. */
  readonly isCheckedOut: boolean;
}

/** What is in the worktree and in no commit. */
export async function uncommittedIn(worktree: Worktree): Promise<Uncommitted> {
  const { changes } = await snapshotOf(worktree);
  const { populated: isCheckedOut } = await markerOf(worktree);
  return { changes: changes.filter(({ kind }) => isCheckedOut || kind !== 'deleted'), isCheckedOut };
}
