import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Worktree, WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';

const run = promisify(execFile);

const hooks = [
  'post-checkout',
  'pre-commit',
  'prepare-commit-msg',
  'commit-msg',
  'post-commit',
  'pre-merge-commit',
  'post-merge',
  'post-rewrite',
  'post-index-change',
  'reference-transaction',
  'pre-auto-gc',
];

/** A real repository of a person, in a folder whose name has a space and letters beyond ASCII. */
export class GitRepository {
  readonly root: string;
  readonly path: string;
  readonly worktreesDir: string;

  private constructor(root: string) {
    this.root = root;
    this.path = join(root, 'répo mit Leerzeichen');
    this.worktreesDir = join(root, 'wörk trees');
  }

  /** Without any commit. */
  static async empty(): Promise<GitRepository> {
    const repository = new GitRepository(await realpath(await mkdtemp(join(tmpdir(), 'orch-'))));
    await mkdir(join(repository.root, 'home'));
    await mkdir(repository.path);
    await repository.git('init', '--quiet', '--initial-branch=main');
    await repository.git('config', 'user.name', 'Person');
    await repository.git('config', 'user.email', 'person@example.com');
    return repository;
  }

  /** With `readme.md`, `src/a.txt` and `.gitignore` (`*.log`, `build/`) in one commit on `main`. */
  static async create(): Promise<GitRepository> {
    const repository = await GitRepository.empty();
    await repository.commit('First', {
      'readme.md': 'readme\n',
      'src/a.txt': 'a\n',
      '.gitignore': '*.log\nbuild/\n',
    });
    return repository;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  manager(repositoryPath = this.path): WorktreeManager {
    return new WorktreeManager({ repositoryPath, worktreesDir: this.worktreesDir });
  }

  /** git as the person would run it in the main checkout, without hooks; its output without the line end. */
  async git(...args: string[]): Promise<string> {
    return this.gitIn(this.path, ...args);
  }

  async gitIn(folder: string, ...args: string[]): Promise<string> {
    return this.gitAs({}, folder, ...args);
  }

  /** The same by someone whom these variables name. */
  async gitAs(
    identity: Readonly<Record<string, string>>,
    folder: string,
    ...args: string[]
  ): Promise<string> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
    const env = { ...Object.fromEntries(inherited), ...identity, HOME: join(this.root, 'home') };
    const { stdout } = await run('git', ['-c', 'core.hooksPath=/dev/null', ...args], { cwd: folder, env });
    return stdout.replace(/\n$/, '');
  }

  async write(path: string, content: string): Promise<void> {
    await writeIn(this.path, path, content);
  }

  async read(path: string): Promise<string> {
    return readFile(join(this.path, path), 'utf8');
  }

  /** Commits these files, and nothing else, on the checked out branch. Returns the commit. */
  async commit(message: string, files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, content] of Object.entries(files)) await this.write(path, content);
    await this.git('add', '--', ...Object.keys(files));
    await this.git('commit', '--quiet', '--only', '--message', message, '--', ...Object.keys(files));
    return this.git('rev-parse', 'HEAD');
  }

  /** Gives the person one of every hook; each that runs leaves a mark. */
  async plantHooks(): Promise<void> {
    for (const hook of hooks) {
      const script = `#!/bin/sh\necho ${hook} >> '${join(this.root, 'marks')}'\n`;
      await writeFile(join(this.path, '.git/hooks', hook), script, { mode: 0o755 });
    }
  }

  /** A command for git configuration that leaves a mark when it runs. */
  markCommand(name: string): string {
    return `echo ${name} >> '${join(this.root, 'marks')}'; false`;
  }

  /** What left a mark; '' when nothing did. */
  async marks(): Promise<string> {
    return readFile(join(this.root, 'marks'), 'utf8').catch(() => '');
  }

  /** Everything of the person's that must stay as it is, to be compared. */
  async state(): Promise<Readonly<Record<string, string>>> {
    const refs = await this.git('for-each-ref', '--format=%(objectname) %(refname)');
    return {
      head: await this.git('symbolic-ref', '--quiet', 'HEAD').catch(() => 'detached'),
      commit: await this.git('rev-parse', 'HEAD'),
      status: await this.git('status', '--porcelain=v2', '-z'),
      index: await this.git('ls-files', '--stage', '-z'),
      stash: await this.git('stash', 'list'),
      config: await this.read('.git/config'),
      refs: refs
        .split('\n')
        .filter((line) => !/ refs\/(heads\/)?orchestrator\//.test(line))
        .join('\n'),
    };
  }
}

export async function writeIn(folder: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

/** A task's worktree, with its files. */
export async function taskWorktree(
  manager: WorktreeManager,
  request: Parameters<WorktreeManager['ensure']>[0] = {
    taskId: '6f1c0f9e-0000-4000-8000-000000000001',
    title: 'Work',
    baseBranch: null,
  },
): Promise<Worktree> {
  const worktree = await manager.ensure(request);
  await manager.populate(worktree, { copyFiles: [] });
  return worktree;
}
