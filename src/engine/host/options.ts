import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import * as v from 'valibot';
import type { TaskSettings } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import {
  defaultSettings,
  leastBudgetUsd,
  type SettingsInput,
  settingsOn,
  settingsSchema,
} from '../settings.ts';

/** Options of every command. */
export interface CommonOptions {
  readonly repo: string;
  readonly storage?: string;
  readonly worktrees?: string;
  readonly json?: boolean;
}

/** Options of the commands that create a task. */
export interface TaskOptions extends SettingsOptions {
  readonly title: string;
  readonly description?: string;
  readonly descriptionFile?: string;
  readonly priority: number;
}

/** How tasks are done. */
export interface SettingsOptions extends CommonOptions {
  readonly isolation?: 'docker' | 'process';
  readonly base?: string;
  readonly testCommand?: string;
  readonly setupCommand?: string;
  readonly copyFile?: readonly string[];
  readonly claude?: string;
  readonly image?: string;
  readonly gate?: 'specification';
  readonly maxQaRounds?: number;
  readonly maxBudget?: number;
  readonly model?: string;
  readonly trust: boolean;
  readonly settings?: string;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--repo <dir>', 'the repository', '.')
    .option('--storage <dir>', 'where state is kept (default: a folder per repository under your home)')
    .option('--worktrees <dir>', 'where worktrees are made (default: in the storage folder)')
    .option('--json', 'one JSON object a line on stdout, logs on stderr');
}

/** Options of the commands that drive tasks. */
export interface DriveOptions extends CommonOptions {
  readonly maxConcurrent: '1' | '2';
}

export function withDriveOptions(command: Command): Command {
  return command.addOption(
    new Option('--max-concurrent <number>', 'how many tasks execute at once')
      .choices(['1', '2'])
      .default('2'),
  );
}

export function withTaskOptions(command: Command): Command {
  const described = withCommonOptions(command)
    .requiredOption('--title <text>', 'what is to be done, in a few words')
    .addOption(new Option('--description <text>', 'what is to be done, in full').conflicts('descriptionFile'))
    .option('--description-file <file>', 'the same, from a file ("-" for standard input)')
    .option('--priority <number>', 'higher goes first', whole, 0);
  return withSettingsOptions(described);
}

export function withSettingsOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--isolation <kind>', 'where the agent works (default: docker)').choices([
        'docker',
        'process',
      ]),
    )
    .option('--base <branch>', 'the branch to start from and merge back to (default: the current one)')
    .option('--test-command <command>', 'run by the engine in QA; it must exit with 0')
    .option('--setup-command <command>', 'run once in the fresh worktree')
    .option(
      '--copy-file <path>',
      'copied into the fresh worktree, for example .env (may be repeated)',
      collect,
    )
    .option('--claude <path>', 'the Claude Code executable (default: found on PATH)')
    .option('--image <name>', 'your own container image; it needs git and sh')
    .addOption(
      new Option('--gate <stage>', 'wait for your approval after this stage').choices(['specification']),
    )
    .option('--max-qa-rounds <number>', 'how often QA may send work back (default: 3)', whole)
    .option(
      '--max-budget <usd>',
      'what the whole task may cost before you are asked (default: no limit)',
      usd,
    )
    .option('--model <name>', 'the model for all three stages')
    .option('--no-trust', "do not pass the repository's CLAUDE.md on to the agent")
    .option('--settings <file>', 'JSON with limits per stage and everything above');
}

/** The settings of a task: `base`, on it the settings file, and on that the command line. */
export async function taskSettings(
  options: SettingsOptions,
  cwd: string,
  base: TaskSettings = defaultSettings,
): Promise<TaskSettings> {
  const file = options.settings === undefined ? {} : await readSettings(resolve(cwd, options.settings));
  const merged = settingsOn(base, file, {
    ...present('isolation', options.isolation),
    ...present('baseBranch', options.base),
    ...present('testCommand', options.testCommand),
    ...present('setupCommand', options.setupCommand),
    ...present('copyFiles', options.copyFile === undefined ? undefined : [...options.copyFile]),
    ...present('claudePath', options.claude === undefined ? undefined : resolve(cwd, options.claude)),
    ...present('image', options.image),
    ...present('gates', options.gate === undefined ? undefined : [options.gate]),
    ...present('maxQaRounds', options.maxQaRounds),
    ...present('maxBudgetUsd', options.maxBudget),
    ...(options.trust ? {} : { trustRepository: false }),
    ...present('stages', options.model === undefined ? undefined : modelForAll(options.model)),
  });
  if (merged.claudePath === null || isAbsolute(merged.claudePath)) return merged;
  return { ...merged, claudePath: resolve(cwd, merged.claudePath) };
}

async function readSettings(path: string): Promise<SettingsInput> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new OrchestratorError(
      'bad-input',
      `The settings file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  // To a schema of optional keys an array is an object without any.
  const result = v.safeParse(settingsSchema, Array.isArray(parsed) ? null : parsed);
  if (result.success) return result.output;
  throw new OrchestratorError(
    'bad-input',
    `The settings file ${path} is not right:\n${v.summarize(result.issues)}`,
  );
}

const modelForAll = (model: string): NonNullable<SettingsInput['stages']> => ({
  specification: { model },
  implementation: { model },
  qa: { model },
});

function present<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}

export function whole(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('Give a whole number, 0 or more.');
  return number;
}

function usd(text: string): number {
  const number = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || number < leastBudgetUsd)
    throw new InvalidArgumentError(`Give US dollars, ${leastBudgetUsd} or more.`);
  return number;
}

export const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  value,
];
