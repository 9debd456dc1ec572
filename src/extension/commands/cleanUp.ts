import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { isFinal, type Task, type TaskWorktree } from '../../engine/domain/task.ts';
import type { EngineBundle } from '../engineBundle.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import { taskLabel } from '../views/taskLabels.ts';
import { confirm } from './confirm.ts';
import type { CommandBody, CommandContext } from './context.ts';

interface Leftover {
  readonly task: Task;
  readonly worktree: TaskWorktree;
}

/** Removes worktrees that were kept when their task ended, because something in them is nowhere else. */
export function cleanUpWorktrees({
  session,
  messages,
  loadEngine,
}: Pick<CommandContext, 'session' | 'messages' | 'loadEngine'>): CommandBody {
  return async () => {
    await session.engine();
    const repository = session.repositoryPath;
    if (repository === null) return;
    const leftovers = await leftoversOf(session.tasks.all());
    if (leftovers.length === 0) {
      messages.info(vscode.l10n.t('There is nothing to clean up: no ended task has a worktree.'));
      return;
    }
    const picked = await vscode.window.showQuickPick(
      leftovers.map((leftover) => ({
        label: taskLabel(leftover.task),
        description: plainLine(leftover.worktree.branch, longestRow),
        detail: plainLine(leftover.worktree.path, longestRow),
        leftover,
      })),
      { canPickMany: true, placeHolder: vscode.l10n.t('The worktrees to remove') },
    );
    if (picked === undefined || picked.length === 0) throw new vscode.CancellationError();
    await confirm({
      severity: 'warning',
      question: vscode.l10n.t('Remove {0} worktrees?', picked.length),
      detail: vscode.l10n.t(
        'Uncommitted changes in them are lost. Branches with commits of their own are kept.',
      ),
      yes: vscode.l10n.t('Remove'),
    });
    for (const { leftover } of picked) await remove(loadEngine(), repository, leftover);
    messages.info(vscode.l10n.t('{0} worktrees removed.', picked.length));
  };
}

async function leftoversOf(tasks: readonly Task[]): Promise<readonly Leftover[]> {
  const ended = tasks.flatMap((task) =>
    isFinal(task) && task.worktree !== null ? [{ task, worktree: task.worktree }] : [],
  );
  const there = await Promise.all(
    ended.map(({ worktree }) =>
      stat(worktree.path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return ended.filter((_, index) => there[index] === true);
}

async function remove(bundle: EngineBundle, repository: string, { task, worktree }: Leftover): Promise<void> {
  const manager = new bundle.WorktreeManager({
    repositoryPath: repository,
    worktreesDir: dirname(worktree.path),
  });
  const request = { taskId: task.id, title: task.title, baseBranch: task.settings.baseBranch };
  await manager.remove(await manager.ensure(request), { force: true });
}
