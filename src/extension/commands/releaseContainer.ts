import * as vscode from 'vscode';
import { isExecuting } from '../../engine/domain/task.ts';
import { heldPort } from '../heldPort.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove } from './moves.ts';
import { severalTasks } from './taskArgument.ts';

/** Gives up the containers of tasks that do not work in them; they get another one when they go on. */
export function releaseContainer({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg, selected) => {
    const tasks = await severalTasks(session, arg, selected, {
      fits: (task) => !isExecuting(task) && heldPort(session.tasks.slots(), task.id) !== null,
      placeHolder: vscode.l10n.t('The task whose container is released'),
      none: vscode.l10n.t('No task holds a container that it does not work in.'),
    });
    for (const { id } of tasks) await makeMove(session, { type: 'release-container', taskId: id });
  };
}
