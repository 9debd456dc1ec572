import type { MergeStrategy, Task } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Worktree, WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { Preparation } from './preparation.ts';

interface Parts {
  readonly worktrees: Pick<WorktreeManager, 'uncommitted' | 'accept' | 'populate'>;
  readonly preparation: Pick<Preparation, 'worktree' | 'worktreeWithWork'>;
}

/**
 * Brings a task's committed work onto its base branch. Returns the commit that holds it; null for `none`, which leaves that to
 * the person, who may have done it already. Throws, with nothing merged, what the person has to see to first.
 */
export async function acceptWork(
  { worktrees, preparation }: Parts,
  task: Task,
  strategy: MergeStrategy,
): Promise<string | null> {
  const worktree =
    strategy === 'none' ? await preparation.worktree(task) : await preparation.worktreeWithWork(task);
  await refuseUncommitted(worktrees, worktree);
  const message = `${task.title}\n\n${task.description === '' ? '' : `${task.description}\n\n`}Orchestrator-Task: ${task.id}`;
  try {
    return await worktrees.accept(worktree, strategy, message, task.commit);
  } catch (error) {
    // What is to be done about it is done in the worktree: one that was only made again has none of its files yet.
    await worktrees.populate(worktree, { copyFiles: task.settings.copyFiles });
    throw error;
  }
}

/** Only commits are merged. Edits made by hand since the last one would be left behind without a word. */
async function refuseUncommitted(worktrees: Parts['worktrees'], worktree: Worktree): Promise<void> {
  const { changes, isCheckedOut } = await worktrees.uncommitted(worktree);
  if (changes.length === 0) return;
  const paths = changes.slice(0, 5).map(({ path }) => path);
  throw new OrchestratorError(
    'bad-input',
    `The worktree has changes that are not committed: ${paths.join(', ')}.`,
    {
      remedy: isCheckedOut
        ? `Commit them on ${worktree.branch} in ${worktree.path}, or undo them, then accept again.`
        : `Do not commit there, for files that are missing would count as deleted: take over what you need from ${worktree.path}, remove that folder, then accept again.`,
    },
  );
}
