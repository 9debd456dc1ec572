import * as vscode from 'vscode';
import type { MergeStrategy, Task } from '../../engine/domain/task.ts';
import { mergeFailure } from '../../engine/mergeFailure.ts';
import { mergeStrategy, scopeOf } from '../config.ts';
import { viewIds } from '../contributions/ids.ts';
import { confirm } from './confirm.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove, questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

/** Merges a completed task by the strategy of the settings, and tells how it went. */
export function accept({ session, messages }: Pick<CommandContext, 'session' | 'messages'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().accept);
    const strategy = mergeStrategy(scopeOf(session));
    await confirmMerge(task, strategy);
    await vscode.window.withProgress({ location: { viewId: viewIds.tasks } }, async () => {
      const engine = await session.engine();
      await makeMove(session, { type: 'accept', taskId: task.id, strategy });
      const failure = await mergeFailure(engine, task.id);
      if (failure !== null) throw failure;
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
