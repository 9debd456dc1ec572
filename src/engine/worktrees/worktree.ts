import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Git } from './git.ts';

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
  return new Git({ gitDir: adminDir, workTree: path, indexFile: join(adminDir, 'orchestrator-index') });
}

/** The newest commit of the task's branch. */
export async function tipOf(worktree: Worktree): Promise<string> {
  const { commonGitDir, branch } = worktree;
  return (await looseRef(commonGitDir, branchRef(branch))) ?? tipByGit(worktree);
}

/**
 * What a ref's own file says; null when git has to be asked: packed, symbolic, or kept in another way. Asked a dozen times
 * in a stage, where a git process for each took longer than everything else of the engine.
 */
export async function looseRef(commonGitDir: string, ref: string): Promise<string | null> {
  const text = await readFile(join(commonGitDir, ref), 'latin1').catch(() => '');
  return /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.test(text) ? text.slice(0, -1) : null;
}

async function tipByGit(worktree: Worktree): Promise<string> {
  return historyOf(worktree).line(['rev-parse', '--verify', `${branchRef(worktree.branch)}^{commit}`]);
}

/** Git on the task's refs and commits alone: works when the folder is gone. */
export function historyOf({ commonGitDir }: Worktree): Git {
  return new Git({ gitDir: commonGitDir, workTree: commonGitDir });
}
