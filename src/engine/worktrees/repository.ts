import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { readIfPresent, whenAbsent } from '../process/runDirectory.ts';
import { checkGitVersion, discover, Git, withoutLineEnd } from './git.ts';
import { refByFiles } from './refFiles.ts';

/** Where a repository lies. */
export interface RepositoryPlace {
  /** The checkout the person works in. */
  readonly topLevel: string;
  /** That checkout's own git directory. */
  readonly gitDir: string;
  /** What all its worktrees share. */
  readonly commonGitDir: string;
}

export interface RepositoryHead {
  /** null when HEAD is detached. */
  readonly branch: string | null;
  readonly commit: string;
}

/** An entry of git's list of worktrees. */
export interface RegisteredWorktree {
  readonly adminDir: string;
  /** Folder of the worktree; null when the entry does not say. */
  readonly path: string | null;
}

/** Finds the repository around a folder, which may lie deep inside or be a linked worktree. */
export async function locateRepository(folder: string): Promise<RepositoryPlace> {
  await checkGitVersion();
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true)
    throw new OrchestratorError('bad-input', `There is no folder "${folder}".`);
  const [topLevel, gitDir, commonGitDir] = await Promise.all([
    ask(folder, ['--show-toplevel']),
    ask(folder, ['--absolute-git-dir']),
    ask(folder, ['--path-format=absolute', '--git-common-dir']),
  ]);
  return { topLevel, gitDir, commonGitDir: await realpath(commonGitDir) };
}

async function ask(folder: string, question: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await discover(folder, ['rev-parse', ...question], [0, 128]);
  if (exitCode === 0) return withoutLineEnd(stdout);
  if (stderr.includes('not a git repository')) {
    throw new OrchestratorError('bad-input', `"${folder}" is not in a git repository.`, {
      remedy: 'Open a folder of a git repository, or run `git init` and make a first commit.',
    });
  }
  if (stderr.includes('must be run in a work tree')) {
    throw new OrchestratorError(
      'bad-input',
      `"${folder}" is a bare repository: it has no files to work on.`,
      {
        remedy: 'Open a checkout of it.',
      },
    );
  }
  throw new OrchestratorError('bad-input', `git cannot use "${folder}": ${stderr.trim()}`);
}

export async function headOf(place: RepositoryPlace): Promise<RepositoryHead> {
  return (await headByFiles(place)) ?? headByGit(place);
}

/** Null when git has to be asked: detached, without a commit, or kept in another way. */
async function headByFiles({ gitDir, commonGitDir }: RepositoryPlace): Promise<RepositoryHead | null> {
  const head = await readIfPresent(join(gitDir, 'HEAD'));
  const branch = /^ref: refs\/heads\/(\S+)\n$/.exec(head ?? '')?.[1];
  if (branch === undefined) return null;
  const commit = await refByFiles(commonGitDir, `refs/heads/${branch}`);
  return typeof commit === 'string' ? { branch, commit } : null;
}

async function headByGit({ gitDir, topLevel }: RepositoryPlace): Promise<RepositoryHead> {
  const git = new Git({ gitDir, workTree: topLevel });
  const [{ exitCode, stdout }, commit] = await Promise.all([
    git.ask(['symbolic-ref', '--quiet', 'HEAD'], { answers: [0, 1] }),
    git.commitOf('HEAD'),
  ]);
  if (commit === null) {
    throw new OrchestratorError('bad-input', `The repository "${topLevel}" has no commit yet.`, {
      remedy: 'Make a first commit: a task starts from one.',
    });
  }
  return { branch: exitCode === 0 ? withoutLineEnd(stdout).replace(/^refs\/heads\//, '') : null, commit };
}

/** The commit of a local branch. Throws `bad-input` when there is none of that name. */
export async function branchCommit(git: Git, branch: string): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const { exitCode } = await git.ask(['check-ref-format', ref], { answers: [0, 1] });
  const commit = exitCode === 0 && !branch.startsWith('-') ? await git.commitOf(ref) : null;
  if (commit !== null) return commit;
  throw new OrchestratorError('bad-input', `There is no local branch "${branch}" in the repository.`, {
    remedy: 'Create the branch or choose another base branch.',
  });
}

/** Every linked worktree git knows of, whoever made it and whether or not its folder exists. */
export async function registeredWorktrees(commonGitDir: string): Promise<readonly RegisteredWorktree[]> {
  const folder = join(commonGitDir, 'worktrees');
  const names = (await readdir(folder).catch(whenAbsent)) ?? [];
  return Promise.all(names.map((name) => registeredAt(join(folder, name))));
}

/** What an entry of git's list says, if there is one. */
export async function registeredAt(adminDir: string): Promise<RegisteredWorktree> {
  const gitFile = await readIfPresent(join(adminDir, 'gitdir'));
  return {
    adminDir,
    path: gitFile === null ? null : dirname(resolve(adminDir, withoutLineEnd(gitFile))),
  };
}
