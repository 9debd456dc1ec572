import * as vscode from 'vscode';
import type { CredentialName } from '../secrets.ts';
import type { CommandBody, CommandContext } from './context.ts';

/** Keeps an API key or a token in the system's key store. It reaches runs through their environment and nothing else. */
export function signIn({ secrets, messages }: Pick<CommandContext, 'secrets' | 'messages'>): CommandBody {
  return async () => {
    const name = await chooseKind();
    const value = await askFor(name);
    await secrets.store(name, value);
    messages.info(vscode.l10n.t('Signed in. The next run uses it.'));
  };
}

export function signOut({ secrets, messages }: Pick<CommandContext, 'secrets' | 'messages'>): CommandBody {
  return async () => {
    await secrets.clear();
    messages.info(vscode.l10n.t('Signed out. What is in the environment of VS Code is used, if anything.'));
  };
}

async function chooseKind(): Promise<CredentialName> {
  const kinds: readonly (vscode.QuickPickItem & { readonly name: CredentialName })[] = [
    {
      label: vscode.l10n.t('Token of a Subscription'),
      detail: vscode.l10n.t('Run "claude setup-token" in a terminal and paste what it prints.'),
      name: 'CLAUDE_CODE_OAUTH_TOKEN',
    },
    {
      label: vscode.l10n.t('API Key'),
      detail: vscode.l10n.t('Made in the Claude Console; billed by use.'),
      name: 'ANTHROPIC_API_KEY',
    },
  ];
  const picked = await vscode.window.showQuickPick(kinds, {
    title: vscode.l10n.t('Sign In'),
    placeHolder: vscode.l10n.t('What do you sign in with?'),
    ignoreFocusOut: true,
  });
  if (picked === undefined) throw new vscode.CancellationError();
  return picked.name;
}

async function askFor(name: CredentialName): Promise<string> {
  const value = await vscode.window.showInputBox({
    title: vscode.l10n.t('Sign In'),
    prompt: name === 'ANTHROPIC_API_KEY' ? vscode.l10n.t('The API key') : vscode.l10n.t('The token'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) =>
      /^\S{20,}$/.test(text.trim()) ? null : vscode.l10n.t('It is longer than that, and without spaces.'),
  });
  if (value === undefined) throw new vscode.CancellationError();
  return value.trim();
}
