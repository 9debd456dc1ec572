import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const run = promisify(execFile);

const taskId = '1a2b3c4d-0000-4000-8000-000000000001';
const request = { taskId, title: 'Add a clock', baseBranch: 'main' };

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;
let tip: string;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  worktree = await manager.ensure(request);
  await manager.populate(worktree, { copyFiles: [] });
  await writeIn(worktree.path, 'src/a.txt', 'first\n');
  await manager.checkpoint(worktree, 'First');
  await writeIn(worktree.path, 'src/a.txt', 'work\n');
  await writeIn(worktree.path, 'neu ü.txt', 'new\n');
  ({ commit: tip } = await manager.checkpoint(worktree, 'Second'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await repository.remove();
});

const main = () => repository.git('rev-parse', 'refs/heads/main');
const parents = (commit: string) => repository.git('log', '-1', '--format=%P', commit);
const message = 'Add a clock\n\nOrchestrator-Task: x';

describe('accept', () => {
  test('squash makes one commit on the base branch and brings its clean checkout along', async () => {
    await repository.plantHooks();
    const commit = await manager.accept(worktree, 'squash', message);
    expect(commit).toBe(await main());
    expect(await parents(await main())).toBe(worktree.baseCommit);
    expect(await repository.git('log', '-1', '--format=%an|%B', 'main')).toBe(`Person|${message}`);
    expect(await repository.git('status', '--porcelain')).toBe('');
    expect(await repository.read('src/a.txt')).toBe('work\n');
    expect(await repository.read('neu ü.txt')).toBe('new\n');
    expect(await repository.marks()).toBe('');
    expect(await manager.head(worktree)).toBe(tip);
  });

  test('merge makes a merge commit, also where it could be fast-forwarded', async () => {
    const commit = await manager.accept(worktree, 'merge', message);
    expect(await parents(await main())).toBe(`${worktree.baseCommit} ${tip}`);
    expect(commit).toBe(await main());
    expect(await repository.git('status', '--porcelain')).toBe('');
  });

  test('none leaves everything to the person', async () => {
    const before = await repository.state();
    expect(await manager.accept(worktree, 'none', message)).toBeNull();
    expect(await repository.state()).toEqual(before);
    expect(await manager.head(worktree)).toBe(tip);
  });

  test('leaves unrelated dirty and staged files of the checkout as they are', async () => {
    await repository.write('readme.md', 'staged\n');
    await repository.git('add', 'readme.md');
    await repository.write('readme.md', 'dirty\n');
    await repository.write('untracked.txt', 'untracked\n');
    await manager.accept(worktree, 'squash', message);
    expect(await repository.git('status', '--porcelain')).toBe('MM readme.md\n?? untracked.txt');
    expect(await repository.read('readme.md')).toBe('dirty\n');
    expect(await repository.read('src/a.txt')).toBe('work\n');
  });

  test.each(['src/a.txt', 'neu ü.txt'])(
    'with %s in the way refuses, changes nothing, and works once it is out of the way',
    async (path) => {
      const content = path === 'src/a.txt' ? 'a\n' : null;
      await repository.write(path, 'mine\n');
      const before = await repository.state();
      await expect(manager.accept(worktree, 'squash', message)).rejects.toMatchObject({
        code: 'merge-conflict',
        message: expect.stringContaining(path),
        remedy: expect.stringContaining(repository.path),
      });
      expect(await repository.state()).toEqual(before);
      expect(await repository.read(path)).toBe('mine\n');
      if (content === null) await repository.git('clean', '--force', '--quiet');
      else await repository.write(path, content);
      expect(await manager.accept(worktree, 'squash', message)).toBe(await main());
      expect(await repository.git('rev-list', '--count', `${worktree.baseCommit}..main`)).toBe('1');
    },
  );

  test.each([
    ['a file', 'settings.log', 'settings.log'],
    ['a folder', 'build/settings', 'build'],
  ])(
    'refuses where %s that is ignored, the only copy, is in the way of the work, which stops ignoring it',
    async (_what, mine, theirs) => {
      await repository.write(mine, 'mine\n');
      const before = await repository.state();
      await writeIn(worktree.path, '.gitignore', '');
      await writeIn(worktree.path, theirs, 'work\n');
      await manager.checkpoint(worktree, 'Third');
      await expect(manager.accept(worktree, 'squash', message)).rejects.toMatchObject({
        code: 'merge-conflict',
        message: expect.stringContaining(theirs),
        remedy: expect.stringContaining('move away'),
      });
      expect(await repository.read(mine)).toBe('mine\n');
      expect(await repository.state()).toEqual(before);
      await rename(join(repository.path, theirs), join(repository.root, 'moved away'));
      expect(await manager.accept(worktree, 'squash', message)).toBe(await main());
      expect(await repository.read(theirs)).toBe('work\n');
    },
  );

  test.each(['--squash', '--verify-signatures', '--strategy=ours'])(
    'obeys no %s of the repository’s own settings',
    async (option) => {
      await repository.git('config', 'branch.main.mergeOptions', option);
      expect(await manager.accept(worktree, 'squash', message)).toBe(await main());
      expect(await repository.git('status', '--porcelain')).toBe('');
      expect(await repository.read('src/a.txt')).toBe('work\n');
    },
  );

  test('tells of no merge where git moved another branch, which was checked out meanwhile', async () => {
    await repository.git('branch', 'other');
    const bin = join(repository.root, 'bin');
    await mkdir(bin);
    const { stdout: git } = await run('sh', ['-c', 'command -v git']);
    const script = `case " $* " in *' merge --ff-only '*) "$THE_GIT" -C "$REPOSITORY" checkout --quiet other;; esac\nexec "$THE_GIT" "$@"`;
    await writeFile(join(bin, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('REPOSITORY', repository.path);
    vi.stubEnv('THE_GIT', git.trim());
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    await expect(manager.accept(worktree, 'squash', message)).rejects.toMatchObject({
      code: 'merge-conflict',
      message: expect.stringContaining('did not bring it'),
      remedy: expect.stringContaining(repository.path),
    });
    expect(await main()).toBe(worktree.baseCommit);
  });

  test('moves a base branch that is checked out nowhere, and no file', async () => {
    await repository.git('checkout', '--quiet', '-b', 'elsewhere');
    await repository.write('src/a.txt', 'dirty\n');
    const commit = await manager.accept(worktree, 'squash', message);
    expect(await main()).toBe(commit);
    expect(await repository.read('src/a.txt')).toBe('dirty\n');
    expect(await repository.git('rev-parse', 'elsewhere')).toBe(worktree.baseCommit);
  });

  test('brings a linked worktree along that has the base branch', async () => {
    const linked = join(repository.root, 'linked ü');
    await repository.git('checkout', '--quiet', '-b', 'elsewhere');
    await repository.git('worktree', 'add', '--quiet', linked, 'main');
    await manager.accept(worktree, 'merge', message);
    expect(await readFile(join(linked, 'src/a.txt'), 'utf8')).toBe('work\n');
    expect(await repository.gitIn(linked, 'status', '--porcelain')).toBe('');
    expect(await repository.read('src/a.txt')).toBe('a\n');
  });

  test('onto another task’s branch does not trust what its agent wrote over .git', async () => {
    const first = worktree;
    const second = await manager.ensure({
      ...request,
      taskId: '2a2b3c4d-0000-4000-8000-000000000001',
      baseBranch: first.branch,
    });
    await manager.populate(second, { copyFiles: [] });
    await writeIn(second.path, 'second.txt', 'x');
    await manager.checkpoint(second, 'Second');
    await repository.git('init', '--quiet', join(first.path, 'evil'));
    const config = join(first.path, 'evil/.git/config');
    await repository.git('config', '--file', config, 'core.fsmonitor', repository.markCommand('fsmonitor'));
    await writeFile(join(first.path, '.git'), `gitdir: ${first.path}/evil/.git\n`);
    const commit = await manager.accept(second, 'squash', message);
    expect(await repository.git('rev-parse', first.branch)).toBe(commit);
    expect(await readFile(join(first.path, 'second.txt'), 'utf8')).toBe('x');
    expect(await repository.marks()).toBe('');
  });

  test.each(['squash', 'merge'] as const)('%s onto a base that moved on joins both', async (strategy) => {
    const moved = await repository.commit('Elsewhere', { 'main.txt': 'main\n' });
    const commit = await manager.accept(worktree, strategy, message);
    expect(await parents(await main())).toBe(strategy === 'squash' ? moved : `${moved} ${tip}`);
    expect(await main()).toBe(commit);
    expect(await repository.read('main.txt')).toBe('main\n');
    expect(await repository.read('src/a.txt')).toBe('work\n');
  });

  test.each(['squash', 'merge'] as const)(
    '%s names the conflicting files and changes nothing',
    async (strategy) => {
      await repository.commit('Elsewhere', { 'src/a.txt': 'theirs\n', 'neu ü.txt': 'theirs\n' });
      const before = await repository.state();
      await expect(manager.accept(worktree, strategy, message)).rejects.toMatchObject({
        code: 'merge-conflict',
        message: expect.stringMatching(/neu ü\.txt, src\/a\.txt|src\/a\.txt, neu ü\.txt/),
        remedy: expect.stringContaining('Merge main into'),
      });
      expect(await repository.state()).toEqual(before);
    },
  );

  test('merges as the attributes of the checkout say', async () => {
    await repository.commit('Union', { '.gitattributes': 'src/* merge=union\n', 'src/a.txt': 'theirs\n' });
    await manager.accept(worktree, 'squash', message);
    expect(await repository.read('src/a.txt')).toBe('theirs\nwork\n');
  });

  test.each(['squash', 'merge'] as const)(
    '%s twice makes no second commit, also when the base moved on since',
    async (strategy) => {
      const commit = await manager.accept(worktree, strategy, message);
      expect(await manager.accept(worktree, strategy, message)).toBe(commit);
      const moved = await repository.commit('Later', { 'src/a.txt': 'later\n' });
      expect(await repository.manager().accept(worktree, strategy, message)).toBe(commit);
      expect(await main()).toBe(moved);
    },
  );

  test('after a crash between writing down and merging, merges', async () => {
    await repository.write('src/a.txt', 'in the way\n');
    await expect(manager.accept(worktree, 'squash', message)).rejects.toMatchObject({
      code: 'merge-conflict',
    });
    await repository.git('checkout', '--quiet', 'src/a.txt');
    await repository.commit('Meanwhile', { 'main.txt': 'main\n' });
    const commit = await manager.accept(worktree, 'squash', message);
    expect(await main()).toBe(commit);
    expect(await repository.read('main.txt')).toBe('main\n');
  });

  test('takes over more work that came after the first time', async () => {
    await manager.accept(worktree, 'squash', message);
    await writeIn(worktree.path, 'more.txt', 'more\n');
    await manager.checkpoint(worktree, 'More');
    const commit = await manager.accept(worktree, 'squash', 'More');
    expect(await repository.git('diff', '--name-only', `${commit}^`, String(commit))).toBe('more.txt');
  });

  test('with nothing to take over returns the base’s tip', async () => {
    await manager.restore(worktree, worktree.baseCommit);
    const moved = await repository.commit('Elsewhere', { 'main.txt': 'main\n' });
    expect(await manager.accept(worktree, 'merge', message)).toBe(moved);
    expect(await main()).toBe(moved);
  });

  test('refuses without a base branch, or when it is gone', async () => {
    await repository.git('checkout', '--quiet', '--detach');
    const detached = await manager.ensure({
      ...request,
      taskId: '2a2b3c4d-0000-4000-8000-000000000001',
      baseBranch: null,
    });
    await expect(manager.accept(detached, 'squash', message)).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('none'),
    });
    expect(await manager.accept(detached, 'none', message)).toBeNull();
    await repository.git('branch', '-D', '--quiet', 'main');
    await expect(manager.accept(worktree, 'squash', message)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('main'),
    });
  });

  test('of two tasks at once takes both', async () => {
    const second = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await manager.populate(second, { copyFiles: [] });
    await writeIn(second.path, 'second.txt', 'x');
    await manager.checkpoint(second, 'Second');
    await Promise.all([
      manager.accept(worktree, 'squash', 'One'),
      repository.manager(join(repository.path, 'src')).accept(second, 'merge', 'Two'),
    ]);
    expect(await repository.git('ls-tree', '-r', '--name-only', '-z', 'main')).toMatch(
      /neu ü\.txt.*second\.txt/s,
    );
    expect(await repository.git('status', '--porcelain')).toBe('');
  });
});
