import * as vscode from 'vscode';
import type { Session } from '../session.ts';
import { documentScheme } from './documentAddress.ts';
import { DocumentProvider } from './documentProvider.ts';
import { QaProblems } from './qaProblems.ts';
import { specificationScheme } from './specificationAddress.ts';
import { SpecificationFiles } from './specificationFiles.ts';

/** Read-only documents of the `orchestrator` scheme, specifications that a person edits, and QA findings in the Problems panel. */
export function registerReview(context: vscode.ExtensionContext, session: Session): vscode.Disposable {
  const problems = new QaProblems(session);
  const specifications = new SpecificationFiles(session);
  problems.reload();
  const registered = vscode.Disposable.from(
    problems,
    specifications,
    vscode.workspace.registerFileSystemProvider(specificationScheme, specifications, {
      isCaseSensitive: true,
    }),
    vscode.workspace.registerTextDocumentContentProvider(documentScheme, new DocumentProvider(session)),
    session.onDidChangeState(() => problems.reload()),
    session.tasks.onDidChange((changed) => {
      problems.update(changed);
      specifications.update(changed);
    }),
  );
  context.subscriptions.push(registered);
  return registered;
}
