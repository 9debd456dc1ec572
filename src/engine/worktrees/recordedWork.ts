import type { TaskWorktree } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Git } from './git.ts';
import { writeRecord, type WorktreeRecord } from './marker.ts';
import { branchPrefix } from './names.ts';
import { commitOfBranch } from './refFiles.ts';
import { branchRef } from './worktree.ts';

/** A task's work by the task's own record, which outlives this repository's notes of it and comes with the task into another one. */
export interface RecordedWork extends Pick<TaskWorktree, 'branch' | 'baseBranch' | 'baseCommit'> {
  /** The newest commit of it, in full; the base itself as long as there is none. */
  readonly commit: string;
}

/**
 * Takes up the recorded branch in a repository that knows nothing of the task. Null when there was no work yet and no such
 * branch is there; throws `environment` when there was, rather than have a second branch begun without it.
 */
export async function takeUpWork(
  git: Git,
  commonGitDir: string,
  taskId: string,
  work: RecordedWork,
): Promise<WorktreeRecord | null> {
  const { branch, baseBranch, baseCommit, commit } = work;
  const tip = await commitOfBranch(git, commonGitDir, branchRef(branch));
  // One that only has the name is somebody else's.
  const isOurs =
    tip !== null &&
    branch.startsWith(branchPrefix) &&
    (await holds(git, tip, commit)) &&
    (await holds(git, tip, baseCommit));
  if (isOurs) {
    const record = { taskId, branch, baseBranch, baseCommit };
    await writeRecord(git, record);
    return record;
  }
  if (tip === null) await refuseLoss(git, work);
  else if (hasCommits(work)) throw await lacking(git, work);
  return null;
}

/** For a branch that is not there. Throws `environment` when there was work on it: one made anew would pass for it. */
export async function refuseLoss(git: Git, work: RecordedWork): Promise<void> {
  if (!hasCommits(work)) return;
  const { branch, commit } = work;
  const putBack = (await isThere(git, commit))
    ? `Put it back with \`git branch ${branch} ${commit}\``
    : fetched(branch);
  throw new OrchestratorError(
    'environment',
    `The branch ${branch}, which holds this task's work, is not in the repository.`,
    {
      remedy: `${putBack}, then try again. If you merged it yourself, accept the task with merge "none"; to have the work done anew, cancel the task and create it again.`,
    },
  );
}

/** Throws `environment` unless the commit is in the branch of which this is the tip. */
export async function requireWork(
  git: Git,
  tip: string,
  work: Pick<RecordedWork, 'branch' | 'commit'>,
): Promise<void> {
  if (tip !== work.commit && !(await holds(git, tip, work.commit))) throw await lacking(git, work);
}

async function lacking(
  git: Git,
  { branch, commit }: Pick<RecordedWork, 'branch' | 'commit'>,
): Promise<OrchestratorError> {
  const putBack = (await isThere(git, commit))
    ? `Bring it back with \`git merge ${commit}\` on that branch`
    : `Rename that branch. ${fetched(branch)}`;
  return new OrchestratorError(
    'environment',
    `The branch ${branch} lacks the commit ${commit.slice(0, 12)}, in which this task's work is.`,
    {
      remedy: `${putBack}, then try again. If you rewrote the branch yourself, accept the task with merge "none" and merge it.`,
    },
  );
}

function fetched(branch: string): string {
  return `Fetch it from the repository that has it with \`git fetch REPOSITORY ${branch}:${branch}\``;
}

function hasCommits({ commit, baseCommit }: RecordedWork): boolean {
  return commit !== baseCommit;
}

async function holds(git: Git, tip: string, commit: string): Promise<boolean> {
  return (await isThere(git, commit)) && git.contains(tip, commit);
}

/** Only a full commit id: it may come from a file, and a name would be looked up. */
async function isThere(git: Git, commit: string): Promise<boolean> {
  return /^[0-9a-f]{40,64}$/.test(commit) && (await git.commitOf(commit)) !== null;
}
