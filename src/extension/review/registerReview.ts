import * as vscode from 'vscode';
import type { Session } from '../session.ts';
import { documentScheme } from './documentAddress.ts';
import { DocumentProvider } from './documentProvider.ts';
import { QaProblems } from './qaProblems.ts';

/** Read-only documents of the `orchestrator` scheme, and QA findings in the Problems panel. */
export function registerReview(context: vscode.ExtensionContext, session: Session): vscode.Disposable {
  const problems = new QaProblems(session);
  problems.reload();
  const registered = vscode.Disposable.from(
    problems,
    vscode.workspace.registerTextDocumentContentProvider(documentScheme, new DocumentProvider(session)),
    session.onDidChangeState(() => problems.reload()),
    session.tasks.onDidChange((changed) => problems.update(changed)),
  );
  context.subscriptions.push(registered);
  return registered;
}
