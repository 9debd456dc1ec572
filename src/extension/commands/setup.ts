import { join } from 'node:path';
import * as vscode from 'vscode';
import { engineSettings, taskSettings } from '../config.ts';
import { commandIds, contextKeys, type MissingPart } from '../contributions/ids.ts';
import type { SetupPart, SetupResult } from '../setupChecks.ts';
import { chooseFolder } from '../workspaceFolder.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import type { CommandBody, CommandContext } from './context.ts';

/** Does what mends a part, or takes the person there. */
type Mend = () => Thenable<unknown>;

/** Looks at everything a run needs, and offers to mend what lacks. Ends when all is well, or when the person leaves it. */
export function checkSetup(context: CommandContext): CommandBody {
  return async () => {
    for (;;) {
      const results = await lookAtSetup(context);
      const picked = await show(results);
      if (picked === 'again') continue;
      if (picked === null) return;
      await picked();
      return;
    }
  };
}

/** The same without a word: sets the context key of the welcome views. */
export async function lookAtSetup({
  extension,
  environment,
  prepare,
  loadEngine,
  log,
}: CommandContext): Promise<readonly SetupResult[]> {
  const folder = await chooseFolder(extension.workspaceState);
  const { isolation, image, claudePath } = taskSettings(folder?.uri ?? null);
  await prepare();
  const results = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Checking the set-up') },
    () =>
      loadEngine().checkSetup({
        folder: folder?.uri.fsPath ?? null,
        storage: (extension.storageUri ?? extension.globalStorageUri).fsPath,
        distFolder: join(extension.extensionPath, 'dist'),
        containerFolder: join(extension.extensionPath, 'media', 'container'),
        isolation,
        image,
        claudePath,
        dockerHost: engineSettings(folder?.uri ?? null).dockerHost,
        environment,
      }),
  );
  for (const { part, ok, detail, remedy } of results) log.info('setup', { part, ok, detail, remedy });
  await vscode.commands.executeCommand('setContext', contextKeys.missing, missingPart(results) ?? '');
  return results;
}

function missingPart(results: readonly SetupResult[]): MissingPart | null {
  const parts: readonly MissingPart[] = ['docker', 'claude', 'sign-in'];
  return parts.find((missing) => results.some(({ part, ok }) => part === missing && !ok)) ?? null;
}

async function show(results: readonly SetupResult[]): Promise<Mend | 'again' | null> {
  const rows = results.map((result) => ({
    label: `$(${result.ok ? 'pass' : 'error'}) ${nameOf(result.part)}`,
    description: result.ok ? vscode.l10n.t('ready') : vscode.l10n.t('to be mended'),
    detail: plainLine([result.detail, result.remedy ?? ''].join(' '), longestRow),
    next: result.ok ? null : mendOf(result.part),
  }));
  const again = {
    label: `$(refresh) ${vscode.l10n.t('Check Again')}`,
    description: '',
    detail: '',
    next: 'again' as const,
  };
  const ready = results.every(({ ok }) => ok);
  const picked = await vscode.window.showQuickPick([...rows, again], {
    title: vscode.l10n.t('Set-up'),
    placeHolder: ready
      ? vscode.l10n.t('Everything is ready.')
      : vscode.l10n.t('Choose what lacks to mend it.'),
    ignoreFocusOut: true,
  });
  return picked?.next ?? null;
}

function nameOf(part: SetupPart): string {
  return {
    git: 'git',
    repository: vscode.l10n.t('Repository'),
    docker: 'Docker',
    claude: 'Claude Code',
    'sign-in': vscode.l10n.t('Sign-in'),
  }[part];
}

function mendOf(part: SetupPart): Mend {
  const openPage =
    (address: string): Mend =>
    () =>
      vscode.env.openExternal(vscode.Uri.parse(address));
  const run =
    (command: string): Mend =>
    () =>
      vscode.commands.executeCommand(command);
  switch (part) {
    case 'git':
      return openPage('https://git-scm.com/downloads');
    case 'repository':
      return vscode.workspace.workspaceFolders === undefined ? run('vscode.openFolder') : run('git.init');
    case 'docker':
      return openPage('https://docs.docker.com/get-docker/');
    case 'claude':
      return openPage('https://docs.claude.com/en/docs/claude-code/setup');
    case 'sign-in':
      return run(commandIds.signIn);
  }
}
