import type { Stage } from '../domain/stage.ts';
import type { IsolationKind, StageSettings } from '../domain/task.ts';

export interface CommandLineRequest {
  readonly claudePath: string;
  readonly stage: Stage;
  readonly isolation: IsolationKind;
  /** A UUID that was never used before: the CLI refuses to start a session twice. */
  readonly sessionId: string;
  /** Whether the CLI may write down what was said, in files of its own that nothing takes secrets out of. */
  readonly session: 'kept' | 'not-kept';
  readonly systemPromptPath: string;
  readonly settings: StageSettings;
  readonly testCommand: string | null;
  /** JSON Schema of the stage's structured output. */
  readonly schema: object;
  /** Directories outside the worktree that the agent may read. */
  readonly readableDirectories: readonly string[];
}

/**
 * The CLI's arguments for one stage; the prompt comes on standard input. Nothing of the repository's own configuration
 * is loaded: its settings could run hooks or send our traffic elsewhere.
 */
export function commandLine(request: CommandLineRequest): [string, ...string[]] {
  const { settings } = request;
  const { mode, tools, rules } = permissionsOf(request);
  const options: readonly (readonly [name: string, value: string])[] = [
    ['--output-format', 'stream-json'],
    ['--setting-sources', ''],
    ['--session-id', request.sessionId],
    ['--append-system-prompt-file', request.systemPromptPath],
    ['--permission-mode', mode],
    ['--settings', JSON.stringify(rules)],
    ['--json-schema', JSON.stringify(request.schema)],
    ['--max-turns', String(settings.maxTurns)],
    ['--max-budget-usd', String(settings.maxBudgetUsd)],
  ];
  return [
    request.claudePath,
    '-p',
    // stream-json wants it.
    '--verbose',
    // A sign of life while the model writes at length.
    '--include-partial-messages',
    '--strict-mcp-config',
    '--disable-slash-commands',
    ...(request.session === 'kept' ? [] : ['--no-session-persistence']),
    ...options.flat(),
    // In one word each: they would otherwise swallow the arguments after them, or take a value for an option.
    ...(settings.model === null ? [] : [`--model=${settings.model}`]),
    `--tools=${tools.join(',')}`,
    ...request.readableDirectories.map((directory) => `--add-dir=${directory}`),
  ];
}

interface Permissions {
  readonly mode: 'plan' | 'dontAsk' | 'acceptEdits' | 'bypassPermissions';
  /** Structural: other tools do not exist, whatever the mode. */
  readonly tools: readonly string[];
  /** A settings document. */
  readonly rules: object;
}

const readingTools = ['Read', 'Grep', 'Glob'];

const secretFiles = ['Read(./.env)', 'Read(./.env.*)'];

function permissionsOf(request: CommandLineRequest): Permissions {
  switch (request.stage) {
    case 'specification':
      return { mode: 'plan', tools: readingTools, rules: readOnlyRules };
    case 'qa':
      return { mode: 'dontAsk', tools: readingTools, rules: readOnlyRules };
    case 'implementation':
      return {
        mode: request.isolation === 'docker' ? 'bypassPermissions' : 'acceptEdits',
        tools: [...readingTools, 'Edit', 'Write', 'Bash'],
        rules: writingRules(request),
      };
  }
}

/** `disableAutoMode`: plan mode would otherwise leave decisions to a check on the service's side. */
const readOnlyRules = {
  useAutoModeDuringPlan: false,
  disableAllHooks: true,
  permissions: {
    disableAutoMode: 'disable',
    disableBypassPermissionsMode: 'disable',
    blockReadsOutsideWorkingDirectories: true,
    deny: secretFiles,
  },
};

function writingRules({ isolation, settings, testCommand }: CommandLineRequest): object {
  return {
    disableAllHooks: true,
    attribution: { commit: '', pr: '' },
    permissions: {
      disableAutoMode: 'disable',
      // In a container the container is the limit. `blockReadsOutsideWorkingDirectories` stays off: it would refuse commands
      // that the person allowed, and tests run the repository's code with the same rights anyway.
      ...(isolation === 'docker' ? {} : { disableBypassPermissionsMode: 'disable' }),
      allow: [
        ...(testCommand === null ? [] : [`Bash(${testCommand})`, `Bash(${testCommand} *)`]),
        ...settings.allowedTools,
      ],
      // Guard rails, not isolation: a shell finds ways around them.
      deny: ['Bash(git push)', 'Bash(git push *)', ...secretFiles],
    },
  };
}
