import * as vscode from 'vscode';
import { fixedSettings, settingsOfTheLease } from '../../engine/domain/changeSettings.ts';
import { isFinal, type Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { type SettingChange, settingChanges, settingsWith } from '../../engine/settings.ts';
import { scopeOf, taskSettings } from '../config.ts';
import { commandIds } from '../contributions/ids.ts';
import { heldPort } from '../heldPort.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import { taskLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove } from './moves.ts';
import { oneTask } from './taskArgument.ts';

/** Has a task take over what the person picks of the settings as they are now: it keeps those of its creation otherwise. */
export function updateSettings({
  session,
  messages,
}: Pick<CommandContext, 'session' | 'messages'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, {
      fits: (each) => !isFinal(each),
      placeHolder: vscode.l10n.t('The task whose settings are updated'),
      none: vscode.l10n.t('There is no task whose settings could matter.'),
    });
    const fixed: readonly string[] = fixedSettings(task);
    const others = settingChanges(task.settings, taskSettings(scopeOf(session)));
    const changes = others.filter(({ name }) => !fixed.includes(name));
    if (others.length === 0) {
      messages.info(vscode.l10n.t('"{0}" has the settings as they are now. Change them first.', task.title), {
        label: vscode.l10n.t('Open Settings'),
        command: commandIds.openSettings,
      });
      return;
    }
    if (changes.length === 0) throw cannotChange(task, others);
    const costly: readonly string[] =
      heldPort(session.tasks.slots(), task.id) === null ? [] : settingsOfTheLease;
    const picked = await vscode.window.showQuickPick(
      changes.map((change) => ({
        label: change.name.replace(/^stages\./, ''),
        description: plainLine(
          `${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}`,
          longestRow,
        ),
        ...(costly.includes(change.name)
          ? { detail: vscode.l10n.t('The task gives up its container.') }
          : {}),
        change,
      })),
      {
        canPickMany: true,
        title: vscode.l10n.t('Settings of "{0}"', taskLabel(task)),
        placeHolder: vscode.l10n.t('What it takes over for the runs that have not begun'),
      },
    );
    if (picked === undefined || picked.length === 0) throw new vscode.CancellationError();
    await makeMove(session, {
      type: 'change-settings',
      taskId: task.id,
      settings: settingsWith(
        // As they are by now: what was changed in another place meanwhile stays changed.
        (session.tasks.get(task.id) ?? task).settings,
        picked.map(({ change }) => change),
      ),
    });
  };
}

function cannotChange(task: Task, others: readonly SettingChange[]): OrchestratorError {
  return new OrchestratorError(
    'bad-input',
    vscode.l10n.t(
      'What differs now cannot be changed for "{0}": {1}.',
      task.title,
      others.map(({ name }) => name).join(', '),
    ),
    {
      remedy: vscode.l10n.t(
        'Pause the task for what it works with. What its worktree was made with stays: create another task for that.',
      ),
    },
  );
}
