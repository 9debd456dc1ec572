import * as vscode from 'vscode';
import type { PersonCommand } from '../../engine/domain/commands.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { parseSpecificationUri } from './specificationAddress.ts';

/** Moves that go on past a gate. */
const approving: readonly PersonCommand['type'][] = ['approve', 'advance'];

/** Before a move that approves a specification: what the person wrote into it and did not save is part of what they approve. */
export async function saveEditedSpecification(
  { tasks }: Pick<Session, 'tasks'>,
  { type, taskId }: Pick<PersonCommand, 'type' | 'taskId'>,
): Promise<void> {
  if (!approving.includes(type) || tasks.get(taskId)?.phase.type !== 'gate') return;
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
