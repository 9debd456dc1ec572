import * as vscode from 'vscode';
import type { EngineSession } from './engineSession.ts';

/**
 * Opens the tasks when a window in which they were asked for in vain gets the folder that lacked. VS Code starts extensions
 * anew when the first folder of a workspace changes, but not in every kind of window, and the first may be on no disk.
 */
export function watchFolders(
  session: Pick<EngineSession, 'state' | 'wasAsked' | 'engine'>,
  report: (error: unknown) => void,
): vscode.Disposable {
  return vscode.workspace.onDidChangeWorkspaceFolders(({ added }) => {
    const { state, wasAsked } = session;
    if (added.length === 0 || !wasAsked) return;
    if (state.type === 'unavailable' && state.reason === 'no-folder') void session.engine().catch(report);
  });
}
