// What the extension's session uses of `vscode`, in a window whose folder is trusted and whose settings are the defaults:
// `vi.mock('vscode', () => import('../support/openFolderVscode.ts'))`.
import manifest from '../../package.json' with { type: 'json' };

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

/** The folder of the window from now on. */
export function openFolder(path: string): void {
  folders.splice(0, folders.length, { uri: { scheme: 'file', fsPath: path }, name: 'folder', index: 0 });
}

export const workspace = {
  isTrusted: true,
  workspaceFile: undefined,
  workspaceFolders: folders,
  getConfiguration: (section: string) => ({ get: (key: string) => defaults.get(`${section}.${key}`) }),
};

export const env = { appName: 'Another Code' };

const silent = (): void => undefined;

export const window = {
  createOutputChannel: () => ({ debug: silent, info: silent, warn: silent, error: silent, dispose: silent }),
};
