import type * as vscode from 'vscode';

/** What can be signed in with, by the variable that hands it to Claude Code. */
export const credentialNames = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'] as const;

export type CredentialName = (typeof credentialNames)[number];

/** Variables that carry a credential: what a person stored stands in the place of all of them. */
const allCredentials = [...credentialNames, 'ANTHROPIC_AUTH_TOKEN'] as const;

const secretKey = 'orchestrator.credential';
const separator = '=';

/** The one credential a person signed in with. It lies in the system's key store and goes into the environment of runs only. */
export class Secrets {
  readonly onDidChange: vscode.Event<void>;
  private readonly storage: vscode.SecretStorage;

  constructor(storage: vscode.SecretStorage) {
    this.storage = storage;
    this.onDidChange = (listener, thisArgs, disposables) =>
      storage.onDidChange(
        ({ key }) => {
          if (key === secretKey) listener.call(thisArgs);
        },
        undefined,
        disposables,
      );
  }

  async store(name: CredentialName, value: string): Promise<void> {
    await this.storage.store(secretKey, `${name}${separator}${value}`);
  }

  async clear(): Promise<void> {
    await this.storage.delete(secretKey);
  }

  /** Variables for a run's environment; null takes one away. Empty when nothing was stored. */
  async variables(): Promise<Readonly<Record<string, string | null>>> {
    const stored = await this.storage.get(secretKey);
    if (stored === undefined) return {};
    const at = stored.indexOf(separator);
    const none = Object.fromEntries(allCredentials.map((name) => [name, null]));
    return { ...none, [stored.slice(0, at)]: stored.slice(at + 1) };
  }
}
