import * as vscode from 'vscode';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { specificationUri } from '../review/specificationAddress.ts';
import { plainLine } from '../views/markdownText.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

/** Opens the specification that waits for approval in an editor; saving it makes it the one that waits. */
export function editSpecification({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().approve);
    if (task.phase.type !== 'gate') {
      throw new OrchestratorError(
        'bad-input',
        vscode.l10n.t('The specification of "{0}" does not wait for approval.', task.title),
        { remedy: vscode.l10n.t('Send the task back with notes: its specification is then written anew.') },
      );
    }
    const uri = vscode.Uri.from(specificationUri(task.id, plainLine(task.title, 60)));
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: false });
  };
}
