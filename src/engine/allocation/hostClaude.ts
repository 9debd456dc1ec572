import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { isTooOld, oldestClaudeVersion } from '../ports/claudeVersion.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { execute } from '../process/exec.ts';
import { findExecutable, isExecutable } from '../process/findExecutable.ts';

const installRemedy =
  'Install Claude Code and sign in by running `claude` once, or set the path of its executable in the settings.';

/** Printing the version takes 60 ms; on a cold, loaded machine the 380 MB program may have to come from the disk first. */
const versionTimeoutMs = 30_000;

/** `claude` as the person's shell finds it, or where its installer puts it; never from inside `excluded`. */
export async function findHostClaude(
  searchPath: string,
  excluded: readonly string[] = [],
): Promise<string | null> {
  // An editor started from the desktop does not have what the shell's profile adds to the search path.
  const folders = [searchPath, join(homedir(), '.local', 'bin'), join(homedir(), '.claude', 'local')];
  return await findExecutable('claude', folders.join(delimiter), excluded);
}

/** The executable to use: the one given, else the one found. Throws `environment` when there is none. */
export async function requireHostClaude(
  given: string | null,
  find: () => Promise<string | null>,
  excluded: readonly string[] = [],
): Promise<string> {
  const path = given ?? (await find());
  if (path === null) {
    throw new OrchestratorError('environment', 'Claude Code was not found on this machine.', {
      remedy: installRemedy,
    });
  }
  if (!isAbsolute(path) || !(await isExecutable(path, excluded))) {
    const message = `${path} cannot be used as Claude Code: it must be the absolute path of an executable outside the worktree.`;
    throw new OrchestratorError('environment', message, { remedy: installRemedy });
  }
  return path;
}

/** Throws `environment` unless this executable is a Claude Code new enough. */
export async function checkClaudeVersion(path: string, env: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, stdout, stderr } = await execute(path, ['--version'], {
    cwd: homedir(),
    env,
    extendEnv: false,
    timeoutMs: versionTimeoutMs,
  }).catch((cause: unknown) => {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new OrchestratorError('environment', `Claude Code could not be asked for its version: ${words}`, {
      remedy: installRemedy,
      cause,
    });
  });
  const version = stdout.trim();
  const tooOld = isTooOld(version);
  if (exitCode !== 0 || tooOld === null) {
    const words = (stderr.trim() || stdout.trim()).slice(0, 300);
    throw new OrchestratorError('environment', `${path} --version ended with ${exitCode}: ${words}`, {
      remedy: installRemedy,
    });
  }
  if (tooOld) {
    throw new OrchestratorError(
      'environment',
      `Claude Code ${version.split(' ')[0]} at ${path} is too old: ${oldestClaudeVersion} or newer is needed.`,
      { remedy: 'Run `claude update`, or update it the way it was installed.' },
    );
  }
}
