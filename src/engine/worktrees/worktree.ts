import { join } from 'node:path';
import type { Checkout } from '../ports/isolation.ts';
import { Git } from './git.ts';
import { refByFiles } from './refFiles.ts';

/** A task's worktree, as registered with git. */
export interface Worktree {
  readonly taskId: string;
  readonly path: string;
  readonly branch: string;
  /** null when HEAD was detached: there is nothing to merge into. */
  readonly baseBranch: string | null;
  readonly baseCommit: string;
  /** `<common git dir>/worktrees/<name>`. */
  readonly adminDir: string;
  readonly commonGitDir: string;
}

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/**
 * Git on the task's files, with an index of our own: locks, staged parts and "assume unchanged" marks that a program
 * left in the worktree's index cannot hide or block anything.
 */
export function gitOf({ adminDir, path }: Worktree): Git {
  return new Git({ gitDir: adminDir, workTree: path, indexFile: ownIndexFile(adminDir) });
}

/** How git elsewhere than on the host is to see the files: as changes on top of this commit. */
export function checkoutOf({ adminDir, branch }: Worktree, commit: string): Checkout {
  return { branch, commit, indexFile: ownIndexFile(adminDir) };
}

function ownIndexFile(adminDir: string): string {
  return join(adminDir, 'orchestrator-index');
}

/** The newest commit of the task's branch. */
export async function tipOf(worktree: Worktree): Promise<string> {
  const { commonGitDir, branch } = worktree;
  return (await refByFiles(commonGitDir, branchRef(branch))) ?? tipByGit(worktree);
}

async function tipByGit(worktree: Worktree): Promise<string> {
  return historyOf(worktree).line(['rev-parse', '--verify', `${branchRef(worktree.branch)}^{commit}`]);
}

/** Git on the task's refs and commits alone: works when the folder is gone. */
export function historyOf({ commonGitDir }: Worktree): Git {
  return new Git({ gitDir: commonGitDir, workTree: commonGitDir });
}
