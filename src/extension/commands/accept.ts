import * as v from 'valibot';
import * as vscode from 'vscode';
import type { Engine } from '../../engine/engine.ts';
import type { MergeStrategy, Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { mergeStrategy } from '../config.ts';
import { viewIds } from '../contributions/ids.ts';
import { confirm } from './confirm.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove, questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

const failedSchema = v.object({
  failure: v.object({ message: v.string(), remedy: v.optional(v.string()) }),
});

/** Merges a completed task by the strategy of the settings, and tells how it went. */
export function accept({ session, messages }: Pick<CommandContext, 'session' | 'messages'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().accept);
    const strategy = mergeStrategy(
      session.repositoryPath === null ? null : vscode.Uri.file(session.repositoryPath),
    );
    await confirmMerge(task, strategy);
    await vscode.window.withProgress({ location: { viewId: viewIds.tasks } }, async () => {
      const engine = await session.engine();
      await makeMove(session, { type: 'accept', taskId: task.id, strategy });
      await engine.settled(task.id);
      const after = await engine.records.task(task.id);
      if (after?.phase.type !== 'done') throw await mergeFailure(engine, task);
      messages.info(
        strategy === 'none'
          ? vscode.l10n.t('"{0}" is accepted. Its branch is yours to merge.', task.title)
          : vscode.l10n.t('"{0}" is merged into {1}.', task.title, task.worktree?.baseBranch ?? ''),
      );
    });
  };
}

/** Says what will happen to the person's branch before it does. */
async function confirmMerge(task: Task, strategy: MergeStrategy): Promise<void> {
  const yes = strategy === 'none' ? vscode.l10n.t('Accept') : vscode.l10n.t('Accept and Merge');
  const base = task.worktree?.baseBranch ?? '';
  const detail = {
    squash: vscode.l10n.t('Its work becomes one commit on {0}.', base),
    merge: vscode.l10n.t('Its commits are merged into {0}.', base),
    none: vscode.l10n.t('Nothing is merged: its branch is kept for you.'),
  }[strategy];
  await confirm({ severity: 'info', question: vscode.l10n.t('Accept "{0}"?', task.title), detail, yes });
}

async function mergeFailure({ records }: Engine, task: Task): Promise<OrchestratorError> {
  const rows = await records.audit({ taskId: task.id, after: 0, limit: 100_000 });
  const data = v.safeParse(failedSchema, rows.findLast(({ type }) => type === 'merge.failed')?.data);
  const message = data.success ? data.output.failure.message : vscode.l10n.t('The merge failed.');
  const remedy = data.success ? data.output.failure.remedy : undefined;
  return new OrchestratorError('merge-conflict', message, {
    remedy:
      remedy ?? vscode.l10n.t('Merge the branch yourself, then accept it with the merge strategy "none".'),
  });
}
