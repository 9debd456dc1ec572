import { parse } from 'node:path';
import { OrchestratorError, roomRemedy } from '../ports/errors.ts';
import { execute, type ExecuteResult } from '../process/exec.ts';
import { withoutConfiguredHooks } from './configuredHooks.ts';
import { foldsCase } from './files.ts';

/** The git directory and the files a command is about. Always given, never discovered from a folder an agent could write. */
export interface GitPlace {
  readonly gitDir: string;
  readonly workTree: string;
  /** Another index than the place's own. */
  readonly indexFile?: string;
}

/** `merge-tree --write-tree` came with it. */
const oldestGit = [2, 38] as const;

/** A checkout of a large repository through filters takes minutes; more than this hangs. */
const timeoutMs = 15 * 60_000;

/**
 * On top of whatever the user and the repository configured: nothing that runs a program by itself, nothing that goes
 * to the network or asks, and no setting that changes what a command prints or writes.
 */
const hardening = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'core.safecrlf=false',
  'protocol.ext.allow=never',
  'submodule.recurse=false',
  'commit.gpgSign=false',
  'merge.verifySignatures=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'i18n.commitEncoding=UTF-8',
  'worktree.useRelativePaths=false',
];

/** For our own index files, which are whole, of one piece and about every file, and hide no change from git. */
const ownIndex = [
  'core.sparseCheckout=false',
  'core.splitIndex=false',
  'core.untrackedCache=false',
  'core.ignoreStat=false',
  'core.trustCtime=true',
  'core.checkStat=default',
];

/** As it is, whatever the repository says: with settings from a Mac, git on Linux takes a second spelling of a name for the first. */
function caseOf(workTree: string): readonly string[] {
  const folds = foldsCase(workTree);
  return folds === null ? [] : [`core.ignoreCase=${folds}`];
}

export interface GitOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers, not failures. Default: only 0. */
  readonly answers?: readonly number[];
}

/** Runs git on one place, hardened. */
export class Git {
  readonly place: GitPlace;
  private readonly prefix: readonly string[];
  private readonly settings: readonly (readonly [key: string, value: string])[];

  /** `settings` come before all configuration. */
  constructor(place: GitPlace, settings: readonly (readonly [key: string, value: string])[] = []) {
    this.place = place;
    this.settings = settings;
    this.prefix = [
      ...hardened(place.indexFile === undefined ? [] : [...ownIndex, ...caseOf(place.workTree)]),
      `--git-dir=${place.gitDir}`,
      `--work-tree=${place.workTree}`,
    ];
  }

  with(settings: readonly (readonly [key: string, value: string])[]): Git {
    return settings.length === 0 ? this : new Git(this.place, [...this.settings, ...settings]);
  }

  /** Standard output of a command that must succeed. Throws `environment` with git's own words otherwise. */
  async run(args: readonly string[], options: GitOptions = {}): Promise<string> {
    return (await this.ask(args, options)).stdout;
  }

  /** As `run`, without the line end. */
  async line(args: readonly string[], options: GitOptions = {}): Promise<string> {
    return withoutLineEnd(await this.run(args, options));
  }

  async ask(args: readonly string[], options: GitOptions = {}): Promise<ExecuteResult> {
    const { gitDir, workTree, indexFile } = this.place;
    const index = indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile };
    const hooks = await withoutConfiguredHooks(gitDir, (pattern) => this.namedKeys(pattern));
    return runGit(
      [...this.prefix, ...args],
      workTree,
      { ...options, env: { ...index, ...asVariables([...this.settings, ...hooks]), ...options.env } },
      args[0],
    );
  }

  private async namedKeys(pattern: string): Promise<readonly string[] | null> {
    const args = ['config', '-z', '--name-only', '--get-regexp', pattern];
    const { exitCode, stdout } = await runGit(
      [...this.prefix, ...args],
      this.place.workTree,
      { answers: [0, 1, 128] },
      args[0],
    );
    return exitCode === 128 ? null : fieldsOf(stdout);
  }

  /** The commit a revision names, or null. */
  async commitOf(revision: string): Promise<string | null> {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
    const { exitCode, stdout } = await this.ask(args, { answers: [0, 1, 128] });
    return exitCode === 0 ? withoutLineEnd(stdout) : null;
  }

  /** True when `commit` is `revision` or in its history. */
  async contains(revision: string, commit: string): Promise<boolean> {
    const { exitCode } = await this.ask(['merge-base', '--is-ancestor', commit, revision], {
      answers: [0, 1],
    });
    return exitCode === 0;
  }

  async treeOf(commit: string): Promise<string> {
    return this.line(['rev-parse', '--verify', '--end-of-options', `${commit}^{tree}`]);
  }
}

/** Not as `-c key=value`: a key may have a `=` in it. */
function asVariables(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const variables = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key] as const,
    [`GIT_CONFIG_VALUE_${index}`, value] as const,
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(variables) };
}

/** Runs git where it has to find the repository by itself: only ever in the folder that the person opened. */
export async function discover(
  folder: string,
  args: readonly string[],
  answers: readonly number[],
): Promise<ExecuteResult> {
  return runGit([...hardened([]), ...args], folder, { answers }, args[0]);
}

/** `git config` on a file alone: run where no repository's own settings, broken perhaps, are read beside it. */
export async function settingsGit(args: readonly string[], options: GitOptions = {}): Promise<ExecuteResult> {
  return runGit([...hardened([]), 'config', ...args], parse(process.cwd()).root, options, 'config');
}

/** Throws `environment` when git is missing or too old. */
export async function checkGitVersion(): Promise<void> {
  const { stdout } = await execute('git', ['version'], { env: environment(), extendEnv: false, timeoutMs });
  const found = /(\d+)\.(\d+)/.exec(stdout);
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  if (major > oldestGit[0] || (major === oldestGit[0] && minor >= oldestGit[1])) return;
  throw new OrchestratorError(
    'environment',
    `This is ${stdout.trim()}; worktrees need git ${oldestGit.join('.')} or newer.`,
    {
      remedy: `Install git ${oldestGit.join('.')} or newer.`,
    },
  );
}

export function withoutLineEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** The fields of `-z` output. */
export function fieldsOf(text: string): readonly string[] {
  return text.split('\0').slice(0, -1);
}

function hardened(more: readonly string[]): readonly string[] {
  return ['--no-pager', ...[...hardening, ...more].flatMap((setting) => ['-c', setting])];
}

async function runGit(
  args: readonly string[],
  cwd: string,
  { input, env, answers = [0] }: GitOptions,
  name = 'git',
): Promise<ExecuteResult> {
  const result = await execute('git', args, {
    cwd,
    env: { ...environment(), ...env },
    extendEnv: false,
    timeoutMs,
    ...(input === undefined ? {} : { input }),
  });
  if (answers.includes(result.exitCode)) return result;
  const words = (result.stderr.trim() === '' ? result.stdout : result.stderr).trim().slice(-2000);
  const message = `git ${name} failed (exit code ${result.exitCode}): ${words}`;
  // With LC_ALL=C these are the system's own words.
  if (/No space left on device|Disk quota exceeded/.test(words))
    throw new OrchestratorError('disk-full', message, { remedy: roomRemedy });
  throw new OrchestratorError('environment', message);
}

/** Inherited `GIT_*` variables (from a hook, an editor, a terminal) would point git somewhere else. */
function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^GIT_/i.test(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    // Objects that a partial clone lacks would be fetched, by programs that the repository's configuration may name.
    GIT_ALLOW_PROTOCOL: '',
    // Git LFS would fetch files, from where a file of the repository's says.
    GIT_LFS_SKIP_SMUDGE: '1',
  };
}
