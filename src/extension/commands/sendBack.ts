import * as vscode from 'vscode';
import type { Engine } from '../../engine/engine.ts';
import { parseBundle } from '../../engine/context/bundle.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { longestMessage, plainLine } from '../views/markdownText.ts';
import { taskLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { makeMove, questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

export function sendBack({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().sendBack);
    const note = await ask(
      vscode.l10n.t('Send Back "{0}"', taskLabel(task)),
      vscode.l10n.t('What should be different?'),
    );
    await makeMove(session, { type: 'send-back', taskId: task.id, note });
  };
}

/** Asks the open questions of the specification one after the other and sends it back with the answers. */
export function answerQuestions({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().sendBack);
    const open = await openQuestionsOf(await session.engine(), task);
    if (open.length === 0) {
      throw new OrchestratorError(
        'bad-input',
        vscode.l10n.t('The specification of "{0}" has no open questions.', task.title),
      );
    }
    const answers: string[] = [];
    for (const [index, question] of open.entries()) {
      const title = vscode.l10n.t('Open Question {0} of {1}', index + 1, open.length);
      const answer = await vscode.window.showInputBox({
        title,
        prompt: plainLine(question, longestMessage),
        placeHolder: vscode.l10n.t('Empty: leave it to the agent'),
        ignoreFocusOut: true,
      });
      if (answer === undefined) throw new vscode.CancellationError();
      if (answer.trim() !== '') answers.push(`Question: ${question}\nAnswer: ${answer.trim()}`);
    }
    if (answers.length === 0) throw new vscode.CancellationError();
    const note = `Answers to the open questions of the specification:\n\n${answers.join('\n\n')}`;
    await makeMove(session, { type: 'send-back', taskId: task.id, note });
  };
}

/** Of the newest specification, accepted or not. */
async function openQuestionsOf({ records }: Engine, task: Task): Promise<readonly string[]> {
  const newest = (await records.bundles(task.id)).findLast(({ stage }) => stage === 'specification');
  const stored = newest === undefined ? null : await records.bundle(newest.digest);
  const bundle = stored === null ? null : parseBundle(stored.body);
  return bundle?.type === 'specification' ? bundle.openQuestions : [];
}

async function ask(title: string, prompt: string): Promise<string> {
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    ignoreFocusOut: true,
    validateInput: (value) =>
      value.trim() === '' ? vscode.l10n.t('Say in a few words what should be different.') : null,
  });
  if (text === undefined) throw new vscode.CancellationError();
  return text.trim();
}
