import { expect, test, vi } from 'vitest';
import type { SecretStorage, SecretStorageChangeEvent } from 'vscode';
import { RunEnvironment } from '../../../src/extension/runEnvironment.ts';
import { Secrets } from '../../../src/extension/secrets.ts';

/** A key store in memory. */
class MemorySecrets implements SecretStorage {
  private readonly values = new Map<string, string>();
  private readonly listeners = new Set<(event: SecretStorageChangeEvent) => unknown>();

  onDidChange: SecretStorage['onDidChange'] = (listener) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  store(key: string, value: string): Promise<void> {
    this.values.set(key, value);
    for (const listener of this.listeners) listener({ key });
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.values.delete(key);
    for (const listener of this.listeners) listener({ key });
    return Promise.resolve();
  }
}

const none = () => ({});

test('the environment of VS Code counts as long as nobody signed in', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', 'of the shell');
  const environment = new RunEnvironment(new Secrets(new MemorySecrets()), () => null, none);
  await environment.refresh();
  expect(environment.variables['ANTHROPIC_API_KEY']).toBe('of the shell');
});

test('what a person signed in with stands in the place of every other credential, until they sign out', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', 'of the shell');
  vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'of the shell too');
  const secrets = new Secrets(new MemorySecrets());
  const environment = new RunEnvironment(secrets, () => null, none);
  await secrets.store('CLAUDE_CODE_OAUTH_TOKEN', 'token=with=signs');
  await environment.refresh();
  expect(environment.variables).toMatchObject({ CLAUDE_CODE_OAUTH_TOKEN: 'token=with=signs' });
  expect(environment.variables['ANTHROPIC_API_KEY']).toBeUndefined();
  expect(environment.variables['ANTHROPIC_AUTH_TOKEN']).toBeUndefined();

  await secrets.store('ANTHROPIC_API_KEY', 'key');
  await environment.refresh();
  expect(environment.variables['ANTHROPIC_API_KEY']).toBe('key');
  expect(environment.variables['CLAUDE_CODE_OAUTH_TOKEN']).toBeUndefined();

  await secrets.clear();
  await environment.refresh();
  expect(environment.variables['ANTHROPIC_API_KEY']).toBe('of the shell');
});

test('the address of the service is the one of the settings, also when that is taken back', async () => {
  vi.stubEnv('ANTHROPIC_BASE_URL', undefined);
  let address: string | null = 'http://gateway.example';
  const environment = new RunEnvironment(new Secrets(new MemorySecrets()), () => address, none);
  const { variables } = environment;
  await environment.refresh();
  expect(variables['ANTHROPIC_BASE_URL']).toBe('http://gateway.example');
  address = null;
  await environment.refresh();
  expect(variables['ANTHROPIC_BASE_URL']).toBeUndefined();
});

test('what a person adds for Claude Code is kept apart from the rest, also when it is taken back', async () => {
  let added: Record<string, string> = { HTTPS_PROXY: 'http://proxy' };
  const environment = new RunEnvironment(
    new Secrets(new MemorySecrets()),
    () => null,
    () => added,
  );
  const { extra } = environment;
  await environment.refresh();
  expect(extra).toEqual({ HTTPS_PROXY: 'http://proxy' });
  expect(environment.variables).not.toHaveProperty('HTTPS_PROXY', 'http://proxy');
  added = {};
  await environment.refresh();
  expect(extra).toEqual({});
});

test('only a change of the credential is told', async () => {
  const storage = new MemorySecrets();
  const secrets = new Secrets(storage);
  const told = vi.fn<() => void>();
  secrets.onDidChange(told);
  await storage.store('of someone else', 'x');
  expect(told).not.toHaveBeenCalled();
  await secrets.store('ANTHROPIC_API_KEY', 'x');
  expect(told).toHaveBeenCalledTimes(1);
});
