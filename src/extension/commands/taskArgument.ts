import * as v from 'valibot';
import * as vscode from 'vscode';
import { slotPorts } from '../../engine/domain/allocation.ts';
import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { taskIdSchema } from '../../engine/protocol/taskSchema.ts';
import { parseSpecificationUri } from '../review/specificationAddress.ts';
import type { Session } from '../session.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import { taskLabel } from '../views/taskLabels.ts';

const taskItemSchema = v.object({ taskId: taskIdSchema });
const slotItemSchema = v.object({ port: v.picklist(slotPorts) });

/** Which tasks a command is for, and how its quick pick asks for one. */
export interface TaskQuestion {
  readonly fits: (task: Task) => boolean;
  readonly placeHolder: string;
  /** Said when no task fits. */
  readonly none: string;
}

/** The id an argument names: a row of a tree, an id, a specification in an editor, or nothing. Throws `bad-input` for anything else. */
function taskIdOfArgument(session: Session, arg: unknown): TaskId | null {
  if (arg === undefined || arg === null) return null;
  const id = v.safeParse(taskIdSchema, arg);
  if (id.success) return id.output;
  const item = v.safeParse(taskItemSchema, arg);
  if (item.success) return item.output.taskId;
  const edited = arg instanceof vscode.Uri ? parseSpecificationUri(arg) : null;
  if (edited !== null) return edited;
  const slot = v.safeParse(slotItemSchema, arg);
  if (slot.success) {
    const leased = session.tasks.slots()[slot.output.port];
    if ('taskId' in leased) return leased.taskId;
    throw new OrchestratorError('bad-input', vscode.l10n.t('No task has this container.'));
  }
  throw new OrchestratorError('bad-input', vscode.l10n.t('This is not a task.'), {
    remedy: vscode.l10n.t('Choose one in the Tasks view.'),
  });
}

/** The task an argument names, or the one the person picks. Throws when there is none to pick or none was picked. */
export async function oneTask(session: Session, arg: unknown, question: TaskQuestion): Promise<Task> {
  const id = taskIdOfArgument(session, arg);
  const engine = await session.engine();
  if (id !== null) {
    const task = session.tasks.get(id) ?? (await engine.records.task(id));
    if (task !== null) return task;
    throw new OrchestratorError('bad-input', vscode.l10n.t('There is no task {0}.', id));
  }
  return pickTask(session, question);
}

/** All rows that were selected when a menu was used on one of them; else like `oneTask`. */
export async function severalTasks(
  session: Session,
  arg: unknown,
  selected: unknown,
  question: TaskQuestion,
): Promise<readonly Task[]> {
  const rows = v.safeParse(v.array(taskItemSchema), selected);
  if (!rows.success || rows.output.length < 2) return [await oneTask(session, arg, question)];
  await session.engine();
  const tasks = rows.output.flatMap(({ taskId }) => session.tasks.get(taskId) ?? []);
  const fitting = tasks.filter(question.fits);
  if (fitting.length === 0) throw new OrchestratorError('bad-input', question.none);
  return fitting;
}

async function pickTask(session: Session, { fits, placeHolder, none }: TaskQuestion): Promise<Task> {
  const fitting = session.tasks.all().filter(fits);
  if (fitting.length === 0) throw new OrchestratorError('bad-input', none);
  const picked = await vscode.window.showQuickPick(
    fitting.map((task) => ({
      label: taskLabel(task),
      description: `${task.stage}, ${task.phase.type}`,
      detail: plainLine(task.description.split('\n', 1)[0] ?? '', longestRow),
      task,
    })),
    { placeHolder, matchOnDescription: true, matchOnDetail: true },
  );
  if (picked === undefined) throw new vscode.CancellationError();
  return picked.task;
}
