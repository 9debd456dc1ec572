import * as vscode from 'vscode';
import { commandIds } from './contributions/ids.ts';

/** `vscode://<publisher>.<name>/task/<id>`: opens the task's inspector. A link opens and shows; it never sets anything going. */
export function registerUriHandler(): vscode.Disposable {
  return vscode.window.registerUriHandler({
    async handleUri({ path }) {
      const id = /^\/task\/([0-9a-f-]{36})$/.exec(path)?.[1];
      if (id !== undefined) await vscode.commands.executeCommand(commandIds.openInspector, id);
    },
  });
}
