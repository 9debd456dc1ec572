import * as vscode from 'vscode';
import { longestRow, plainLine } from './views/markdownText.ts';

const folderKey = 'orchestrator.folder';

/** The folder this window works on; of several the one that was picked once. Null: none, or none was picked. */
export async function chooseFolder(memento: vscode.Memento): Promise<vscode.WorkspaceFolder | null> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const [first] = folders;
  if (first === undefined) return null;
  if (folders.length === 1) return first;
  const remembered = memento.get<unknown>(folderKey);
  const known = folders.find(({ uri }) => uri.toString() === remembered);
  if (known !== undefined) return known;
  // Not VS Code's own pick of a folder, which goes with the focus whatever it is told.
  const picked = await vscode.window.showQuickPick(
    folders.map((folder) => ({
      label: plainLine(folder.name, longestRow),
      description: plainLine(folder.uri.fsPath, longestRow),
      folder,
    })),
    {
      placeHolder: vscode.l10n.t('The folder whose repository the tasks work on'),
      ignoreFocusOut: true,
      matchOnDescription: true,
    },
  );
  if (picked === undefined) return null;
  await memento.update(folderKey, picked.folder.uri.toString());
  return picked.folder;
}
