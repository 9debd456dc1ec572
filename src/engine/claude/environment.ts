/** All that passes from outside: credentials, and the address of the service. */
const passed = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
] as const;

/** How often the CLI repeats a failed request by itself. */
export const maxRetriesVariable = 'CLAUDE_CODE_MAX_RETRIES';

/**
 * How the CLI has to behave under an engine. Background tasks are off because they make it print a result before it is
 * done. Four retries of its own take about 8 s; what lasts longer is left to the engine's backoff.
 */
const fixed = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  // `@path` in a prompt would be read and sent before any permission is asked, also outside the worktree.
  CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
  [maxRetriesVariable]: '4',
  CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '120000',
  BASH_DEFAULT_TIMEOUT_MS: '600000',
  BASH_MAX_TIMEOUT_MS: '1800000',
} as const;

/** Set by the workspace: another value would lead the agent out of it, or not to its own programs. */
const ofWorkspace: readonly string[] = ['HOME', 'PATH', 'TMPDIR', 'TEMP', 'TMP', 'PWD', 'CLAUDE_CONFIG_DIR'];

/** Why a person cannot give the CLI a variable of this name; null when they can. */
export function complaintOfVariable(name: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `"${name.slice(0, 60)}" is no name of a variable`;
  const isTaken = name in fixed || ofWorkspace.includes(name.toUpperCase());
  return isTaken ? `${name} is set by the engine` : null;
}

/**
 * The CLI's environment on top of the workspace's own: credentials and the service's address from `source`, and nothing
 * else of it, because every shell command of the agent inherits it. `extra` is what the person added by name.
 */
export function cliEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const allowed = Object.entries(extra).filter(([name]) => complaintOfVariable(name) === null);
  const environment: Record<string, string> = { ...Object.fromEntries(allowed), ...fixed };
  for (const name of passed) {
    const value = source[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  return environment;
}
