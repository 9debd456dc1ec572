import * as vscode from 'vscode';
import type { Digest, TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { plainLine } from '../views/markdownText.ts';
import { qaReportDigest, specificationDigest } from './contextDigests.ts';
import { documentUri } from './documentAddress.ts';
import { knownTask } from './knownTask.ts';

/** Opens the specification read-only: the one that waits for approval, else the accepted one. Throws `bad-input` without one. */
export async function openSpecification(session: Session, taskId: TaskId): Promise<void> {
  const task = await knownTask(session, taskId);
  const digest = specificationDigest(task);
  if (digest === null) throw missing(vscode.l10n.t('"{0}" has no specification yet.', name(task)));
  await open(session, task, digest);
}

/** Opens the newest QA report read-only. Throws `bad-input` without one. */
export async function openQaReport(session: Session, taskId: TaskId): Promise<void> {
  const task = await knownTask(session, taskId);
  const digest = qaReportDigest(task);
  if (digest === null) throw missing(vscode.l10n.t('"{0}" has no QA report yet.', name(task)));
  await open(session, task, digest);
}

/** Where a version of a task's context is read. */
export function contextUri(task: Task, digest: Digest, what: string): vscode.Uri {
  return vscode.Uri.from(documentUri({ type: 'context', digest, name: `${name(task)} (${what})` }));
}

async function open(session: Session, task: Task, digest: Digest): Promise<void> {
  const { records } = await session.engine();
  const bundle = (await records.bundles(task.id)).find((each) => each.digest === digest);
  const what = bundle === undefined ? digest.slice(0, 8) : `${bundle.stage} v${bundle.version}`;
  const document = await vscode.workspace.openTextDocument(contextUri(task, digest, what));
  await vscode.window.showTextDocument(document, { preview: true });
}

function missing(message: string): OrchestratorError {
  return new OrchestratorError('bad-input', message, {
    remedy: vscode.l10n.t('It is there when the stage has ended.'),
  });
}

function name(task: Task): string {
  return plainLine(task.title, 60);
}
