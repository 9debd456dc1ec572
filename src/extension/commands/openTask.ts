import { access } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { SlotPort } from '../../engine/domain/allocation.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { heldPort } from '../heldPort.ts';
import type { Session } from '../session.ts';
import { taskLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

/** A command that opens something of a task. */
export function openOfTask(
  { session }: Pick<CommandContext, 'session'>,
  open: (session: Session, taskId: Task['id']) => Promise<void> | void,
): CommandBody {
  return async (arg) => {
    const { id } = await oneTask(session, arg, questions().any);
    await open(session, id);
  };
}

export function openWorktree({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const path = await worktreeOf(await oneTask(session, arg, questions().withWorktree));
    await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(path), {
      forceNewWindow: true,
    });
  };
}

export function openWorktreeTerminal({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().withWorktree);
    vscode.window.createTerminal({ name: taskLabel(task), cwd: await worktreeOf(task) }).show();
  };
}

/** Opens the task's app in the browser: what listens on 8080 in its container answers on its slot's port. */
export function openApp({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, {
      fits: (candidate) => portOf(session, candidate) !== null,
      placeHolder: vscode.l10n.t('The task whose app is opened'),
      none: vscode.l10n.t('No task has a container.'),
    });
    const port = portOf(session, task);
    if (port === null) {
      throw new OrchestratorError('bad-input', vscode.l10n.t('"{0}" has no container now.', task.title));
    }
    const address = await vscode.env.asExternalUri(vscode.Uri.parse(`http://127.0.0.1:${port}/`));
    await vscode.env.openExternal(address);
  };
}

function portOf({ tasks }: Session, task: Task): SlotPort | null {
  return task.settings.isolation === 'docker' ? heldPort(tasks.slots(), task.id) : null;
}

async function worktreeOf(task: Task): Promise<string> {
  const path = task.worktree?.path;
  if (path === undefined) {
    throw new OrchestratorError('bad-input', vscode.l10n.t('"{0}" has no worktree yet.', task.title), {
      remedy: vscode.l10n.t('It gets one when it has its turn.'),
    });
  }
  await access(path).catch(() => {
    throw new OrchestratorError('bad-input', vscode.l10n.t('The worktree of "{0}" was removed.', task.title));
  });
  return path;
}
