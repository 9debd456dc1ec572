import { join } from 'node:path';
import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import { isFinal } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { plainLine } from '../views/markdownText.ts';
import { documentUri } from './documentAddress.ts';
import { knownTask } from './knownTask.ts';
import { repositoryOf } from './repositoryOf.ts';

/**
 * Opens the task's committed work against its base commit in the multi-file diff editor. Throws `bad-input` when nothing
 * is committed yet.
 */
export async function showChanges(session: Session, taskId: TaskId): Promise<void> {
  const task = await knownTask(session, taskId);
  const title = plainLine(task.title, 60);
  const { manager, path: repositoryPath } = repositoryOf(session);
  const work = await manager.committedWork(task);
  if (work === null || work.files.length === 0) {
    throw new OrchestratorError('bad-input', vscode.l10n.t('"{0}" has no committed changes.', title), {
      remedy: vscode.l10n.t('Work is committed when its stage has ended.'),
    });
  }
  const folder = isFinal(task) ? repositoryPath : (task.worktree?.path ?? repositoryPath);
  const at = (commit: string, path: string): vscode.Uri =>
    vscode.Uri.from(documentUri({ type: 'file', commit, path }));
  const resources = work.files.map(({ path, kind }) => [
    // What "Open File" opens.
    vscode.Uri.file(join(folder, path)),
    kind === 'added' ? undefined : at(work.from, path),
    kind === 'deleted' ? undefined : at(work.to, path),
  ]);
  await vscode.commands.executeCommand('vscode.changes', vscode.l10n.t('Changes of "{0}"', title), resources);
}
