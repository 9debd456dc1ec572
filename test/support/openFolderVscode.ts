// What the extension's session uses of `vscode`, in a window whose folder is trusted and whose settings are the defaults:
// `vi.mock('vscode', () => import('../support/openFolderVscode.ts'))`.
import manifest from '../../package.json' with { type: 'json' };

import { EventEmitter } from './fakeVscode.ts';

export { EventEmitter, l10n } from './fakeVscode.ts';

const defaults = new Map(
  manifest.contributes.configuration.flatMap(({ properties }) =>
    Object.entries<{ readonly default: unknown }>(properties).map(([name, setting]) => [
      name,
      setting.default,
    ]),
  ),
);

const folders: { readonly uri: object; readonly name: string; readonly index: number }[] = [];

const folderChanges = new EventEmitter<{ readonly added: readonly object[] }>();

/** The folder of the window from now on. */
export function openFolder(path: string): void {
  const folder = { uri: { scheme: 'file', fsPath: path }, name: 'folder', index: 0 };
  folders.splice(0, folders.length, folder);
  folderChanges.fire({ added: [folder] });
}

/** The window has a workspace, and no folder in it. */
export function closeFolders(): void {
  folders.length = 0;
}

export const workspace = {
  isTrusted: true,
  workspaceFile: undefined,
  workspaceFolders: folders,
  onDidChangeWorkspaceFolders: folderChanges.event,
  getConfiguration: (section: string) => ({ get: (key: string) => defaults.get(`${section}.${key}`) }),
};

export const env = { appName: 'Another Code' };

const silent = (): void => undefined;

export const window = {
  createOutputChannel: () => ({ debug: silent, info: silent, warn: silent, error: silent, dispose: silent }),
};
