import * as vscode from 'vscode';
import { isFinal, type Phase, type Task } from '../../engine/domain/task.ts';
import type { PersonCommand } from '../../engine/domain/commands.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { confirm } from './confirm.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { saveEditedSpecification } from '../review/saveEdited.ts';
import { severalTasks, type TaskQuestion } from './taskArgument.ts';

type SimpleMove = 'approve' | 'advance' | 'retry' | 'pause' | 'resume';

type QuestionName =
  'start' | SimpleMove | 'cancel' | 'sendBack' | 'accept' | 'pullRequest' | 'any' | 'withWorktree';

/** Carries out a move of the person; throws with the engine's words when it is refused. */
export async function makeMove(session: Session, command: PersonCommand): Promise<void> {
  const engine = await session.engine();
  await saveEditedSpecification(session, command);
  const rejection = await engine.dispatch(command, []);
  if (rejection !== null) throw new OrchestratorError('bad-input', rejection.message);
}

/** A move that needs nothing but the task: on one, or on all that are selected. */
export function simpleMove(
  { session }: Pick<CommandContext, 'session'>,
  type: SimpleMove,
  question: QuestionName,
): CommandBody {
  return async (arg, selected) => {
    for (const { id } of await severalTasks(session, arg, selected, questions()[question]))
      await makeMove(session, { type, taskId: id });
  };
}

export function cancel({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg, selected) => {
    const tasks = await severalTasks(session, arg, selected, questions().cancel);
    const yes = vscode.l10n.t('Cancel Task');
    const question =
      tasks.length === 1
        ? vscode.l10n.t('Cancel "{0}"?', tasks[0]?.title ?? '')
        : vscode.l10n.t('Cancel {0} tasks?', tasks.length);
    const detail = vscode.l10n.t(
      'What runs is stopped. A branch with commits is kept. This cannot be undone.',
    );
    await confirm({ severity: 'warning', question, detail, yes });
    for (const { id } of tasks) await makeMove(session, { type: 'cancel', taskId: id });
  };
}

const inPhase =
  (...types: readonly Phase['type'][]) =>
  ({ phase }: Task): boolean =>
    types.includes(phase.type);

/** How each move asks for its task. A function: words are translated once VS Code has loaded them. */
export function questions(): Readonly<Record<QuestionName, TaskQuestion>> {
  return {
    start: {
      fits: (task) => task.phase.type === 'paused' && task.runs.length === 0,
      placeHolder: vscode.l10n.t('The task to start'),
      none: vscode.l10n.t('Every task was started.'),
    },
    approve: {
      fits: inPhase('gate'),
      placeHolder: vscode.l10n.t('The specification to approve'),
      none: vscode.l10n.t('No specification waits for approval.'),
    },
    advance: {
      fits: inPhase('gate', 'attention', 'backoff', 'parked'),
      placeHolder: vscode.l10n.t('The task to advance past what holds it'),
      none: vscode.l10n.t('No task is held up by anything.'),
    },
    retry: {
      fits: inPhase('attention', 'backoff', 'parked'),
      placeHolder: vscode.l10n.t('The task whose stage is tried again'),
      none: vscode.l10n.t('No task has failed.'),
    },
    pause: {
      fits: inPhase('queued', 'preparing', 'running', 'backoff', 'parked'),
      placeHolder: vscode.l10n.t('The task to pause'),
      none: vscode.l10n.t('No task is under way.'),
    },
    resume: {
      fits: inPhase('paused'),
      placeHolder: vscode.l10n.t('The task to resume'),
      none: vscode.l10n.t('No task is paused.'),
    },
    cancel: {
      fits: (task) => !isFinal(task) && task.phase.type !== 'merging',
      placeHolder: vscode.l10n.t('The task to cancel'),
      none: vscode.l10n.t('There is no task to cancel.'),
    },
    sendBack: {
      fits: inPhase('gate', 'attention', 'completed', 'paused'),
      placeHolder: vscode.l10n.t('The task to send back'),
      none: vscode.l10n.t('No task has a result to look at.'),
    },
    accept: {
      fits: inPhase('completed'),
      placeHolder: vscode.l10n.t('The task to accept and merge'),
      none: vscode.l10n.t('No task is completed.'),
    },
    pullRequest: {
      fits: (task) => task.phase.type === 'completed' && task.worktree !== null,
      placeHolder: vscode.l10n.t('The task to make a pull request of'),
      none: vscode.l10n.t('No task is completed.'),
    },
    any: {
      fits: () => true,
      placeHolder: vscode.l10n.t('The task'),
      none: vscode.l10n.t('There are no tasks yet.'),
    },
    withWorktree: {
      fits: (task) => task.worktree !== null && !isFinal(task),
      placeHolder: vscode.l10n.t('The task whose worktree is opened'),
      none: vscode.l10n.t('No task has a worktree.'),
    },
  };
}
