import * as vscode from 'vscode';
import { isFinal, type Task } from '../../engine/domain/task.ts';
import type { TaskId } from '../../engine/domain/ids.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { queueOf, reordered, type Rank } from '../views/queueOrder.ts';
import { taskLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove } from './moves.ts';
import { severalTasks } from './taskArgument.ts';

/** Asks for a priority and gives it to one task, or to all that are selected. */
export function setPriority({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg, selected) => {
    const tasks = await severalTasks(session, arg, selected, {
      fits: (task) => !isFinal(task),
      placeHolder: vscode.l10n.t('The task whose priority is set'),
      none: vscode.l10n.t('There is no task whose priority could matter.'),
    });
    const priority = await askForPriority(tasks, session.tasks.all());
    for (const { id } of tasks) await makeMove(session, { type: 'set-priority', taskId: id, priority });
  };
}

/** Moves queued tasks one place up or down: what dragging does, for the keyboard. */
export function moveInQueue({ session }: Pick<CommandContext, 'session'>, by: -1 | 1): CommandBody {
  return async (arg, selected) => {
    const tasks = await severalTasks(session, arg, selected, {
      fits: isQueued,
      placeHolder: vscode.l10n.t('The task to move in the queue'),
      none: vscode.l10n.t('No task waits in the queue.'),
    });
    if (!tasks.every(isQueued)) throw notQueued();
    const queue = queueOf(session.tasks.all());
    const moved = new Set(tasks.map(({ id }) => id));
    const rest = queue.filter(({ id }) => !moved.has(id));
    const first = queue.findIndex(({ id }) => moved.has(id));
    // Several that lie apart gather at the first one's place.
    await reorder(session, queue, [...moved], Math.min(rest.length, Math.max(0, first + by)));
  };
}

/** Puts queued tasks before the one at `place` of the others, by as few changes of priority as it takes. */
export async function reorder(
  session: Session,
  queue: readonly Rank[],
  moved: readonly TaskId[],
  place: number,
): Promise<void> {
  for (const { id, priority } of reordered(queue, moved, place))
    await makeMove(session, { type: 'set-priority', taskId: id, priority });
}

function notQueued(): OrchestratorError {
  return new OrchestratorError(
    'bad-input',
    vscode.l10n.t('Only tasks that wait in the queue can be put in another order.'),
  );
}

const isQueued = ({ phase }: Task): boolean => phase.type === 'queued';

async function askForPriority(tasks: readonly Task[], all: readonly Task[]): Promise<number> {
  const others = queueOf(all).filter(({ id }) => tasks.every((task) => task.id !== id));
  const [first] = others;
  const now = new Set(tasks.map(({ priority }) => priority));
  const title =
    tasks.length === 1
      ? vscode.l10n.t('Priority of "{0}"', taskLabel(tasks[0] ?? { title: '' }))
      : vscode.l10n.t('Priority of {0} Tasks', tasks.length);
  const item = (label: string, priority: number): vscode.QuickPickItem & { readonly priority: number } => ({
    label,
    description:
      now.size === 1 && now.has(priority) ? vscode.l10n.t('{0}, as now', priority) : String(priority),
    priority,
  });
  const picked = await vscode.window.showQuickPick(
    [
      ...(first === undefined
        ? []
        : [
            item(vscode.l10n.t('Before All Others'), Math.max(...others.map(({ priority }) => priority)) + 1),
          ]),
      item(vscode.l10n.t('High'), 10),
      item(vscode.l10n.t('Normal'), 0),
      item(vscode.l10n.t('Low'), -10),
      { label: vscode.l10n.t('Another Number…'), description: '', priority: null },
    ],
    { title, placeHolder: vscode.l10n.t('Higher goes first; within a priority, the older task') },
  );
  if (picked === undefined) throw new vscode.CancellationError();
  return picked.priority ?? askForNumber(title, tasks[0]?.priority ?? 0);
}

async function askForNumber(title: string, value: number): Promise<number> {
  const text = await vscode.window.showInputBox({
    title,
    value: String(value),
    prompt: vscode.l10n.t('A whole number; higher goes first'),
    validateInput: (given) =>
      numberOf(given) === null ? vscode.l10n.t('Give a whole number, for example 5 or -1.') : null,
  });
  const number = text === undefined ? null : numberOf(text);
  if (number === null) throw new vscode.CancellationError();
  return number;
}

function numberOf(text: string): number | null {
  // Far from the edge, so that there is always room for one that goes before it.
  return /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : null;
}
