import * as vscode from 'vscode';
import type { Session } from '../session.ts';
import { ChangeDecorations } from './changeDecorations.ts';
import { repositoryOf } from './repositoryOf.ts';
import { documentScheme } from './documentAddress.ts';
import { DocumentProvider } from './documentProvider.ts';
import { QaProblems } from './qaProblems.ts';
import { specificationScheme } from './specificationAddress.ts';
import { SpecificationFiles } from './specificationFiles.ts';

/** Read-only documents of the `orchestrator` scheme, specifications that a person edits, QA findings in the Problems panel, and marks on the files that tasks change. */
export function registerReview(
  context: vscode.ExtensionContext,
  session: Session,
  report: (error: unknown) => void,
): vscode.Disposable {
  const problems = new QaProblems(session);
  const specifications = new SpecificationFiles(session);
  problems.reload();
  const decorations = new ChangeDecorations({
    tasks: session.tasks,
    changesOf: async (task) => (await repositoryOf(session).manager.committedWork(task))?.files ?? [],
    checkout: () => session.repositoryPath,
    report,
  });
  const registered = vscode.Disposable.from(
    problems,
    specifications,
    decorations,
    vscode.window.registerFileDecorationProvider(decorations),
    vscode.workspace.registerFileSystemProvider(specificationScheme, specifications, {
      isCaseSensitive: true,
    }),
    vscode.workspace.registerTextDocumentContentProvider(documentScheme, new DocumentProvider(session)),
    session.onDidChangeState(() => {
      problems.reload();
      if (isOpen(session)) decorations.reload();
    }),
    session.tasks.onDidChange((changed) => {
      specifications.update(changed);
      // In a folder that is not trusted git runs for nobody, and what comes while the engine opens is read once it is open.
      if (!isOpen(session)) return;
      problems.update(changed);
      decorations.update(changed);
    }),
  );
  context.subscriptions.push(registered);
  return registered;
}

function isOpen({ state }: Session): boolean {
  return state.type === 'driving' || state.type === 'following';
}
