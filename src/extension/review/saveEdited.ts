import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { parseSpecificationUri } from './specificationAddress.ts';

/** Before a specification is approved: what the person wrote into it and did not save is part of what they approve. */
export async function saveEditedSpecification(taskId: TaskId): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty || parseSpecificationUri(document.uri) !== taskId || (await document.save()))
      continue;
    throw new OrchestratorError(
      'bad-input',
      vscode.l10n.t('The specification has changes that could not be saved, so it was not approved.'),
      { remedy: vscode.l10n.t('Correct them, or revert the file.') },
    );
  }
}
