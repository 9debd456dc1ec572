import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, taskWorktree, writeIn } from '../../support/gitRepository.ts';

const run = promisify(execFile);

const taskId = '1a2b3c4d-0000-4000-8000-000000000001';
const otherTaskId = '1a2b9999-0000-4000-8000-000000000002';
const request = { taskId, title: 'Add a clock', baseBranch: null };

let repository: GitRepository;
let manager: WorktreeManager;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await repository.remove();
});

describe('repository', () => {
  test('is found from a folder deep inside, with its branch and commit', async () => {
    await mkdir(join(repository.path, 'src/deep'), { recursive: true });
    expect(await repository.manager(join(repository.path, 'src/deep')).repository()).toEqual({
      topLevel: repository.path,
      commonGitDir: join(repository.path, '.git'),
      head: { branch: 'main', commit: await repository.git('rev-parse', 'HEAD') },
    });
  });

  test.each([
    ['a packed branch', 'git pack-refs --all', 'main'],
    [
      'a branch that is another’s other name',
      'git symbolic-ref refs/heads/b refs/heads/main; git symbolic-ref HEAD refs/heads/b',
      'main',
    ],
    ['a HEAD that is a link', 'ln -sf refs/heads/main .git/HEAD', 'main'],
    ['a detached HEAD', 'git checkout --quiet --detach', null],
  ])('is known by %s', async (_which, script, branch) => {
    await run('sh', ['-ec', script], { cwd: repository.path });
    const { head } = await manager.repository();
    expect(head).toEqual({ branch, commit: await repository.git('rev-parse', 'HEAD') });
  });

  test('is found from a linked worktree, whose branch counts', async () => {
    const linked = join(repository.root, 'linked');
    await repository.git('worktree', 'add', '--quiet', '-b', 'side', linked);
    const found = await repository.manager(linked).repository();
    expect(found).toMatchObject({
      topLevel: linked,
      commonGitDir: join(repository.path, '.git'),
      head: { branch: 'side' },
    });
  });

  test('a linked worktree of a bare repository will do', async () => {
    const bare = join(repository.root, 'bare.git');
    await repository.git('clone', '--quiet', '--bare', repository.path, bare);
    const linked = join(repository.root, 'linked');
    await repository.gitIn(bare, 'worktree', 'add', '--quiet', linked, 'main');
    const fromLinked = repository.manager(linked);
    const worktree = await fromLinked.ensure(request);
    await fromLinked.populate(worktree, { copyFiles: [] });
    expect(await readFile(join(worktree.path, 'src/a.txt'), 'utf8')).toBe('a\n');
    expect(worktree.baseBranch).toBe('main');
  });

  test('without a commit, no repository at all and a bare one are refused with what to do', async () => {
    const empty = await GitRepository.empty();
    try {
      await expect(empty.manager().repository()).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('has no commit yet'),
        remedy: expect.stringContaining('first commit'),
      });
      await expect(WorktreeManager.locate(empty.root)).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('not in a git repository'),
        remedy: expect.any(String),
      });
      await empty.git('init', '--quiet', '--bare', join(empty.root, 'bare.git'));
      await expect(WorktreeManager.locate(join(empty.root, 'bare.git'))).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('bare repository'),
      });
    } finally {
      await empty.remove();
    }
  });

  test('a git that is too old is refused', async () => {
    const bin = join(repository.root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'git'), '#!/bin/sh\necho git version 2.37.9\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    await expect(manager.repository()).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('2.37.9'),
      remedy: expect.stringContaining('2.38'),
    });
  });

  test('GIT_ variables of the surroundings do not lead elsewhere', async () => {
    vi.stubEnv('GIT_DIR', join(repository.root, 'nowhere'));
    vi.stubEnv('GIT_WORK_TREE', '/');
    vi.stubEnv('GIT_INDEX_FILE', join(repository.root, 'nowhere'));
    expect((await manager.repository()).topLevel).toBe(repository.path);
  });
});

describe('ensure', () => {
  test('makes branch, folder and .git file, and no other files', async () => {
    const commit = await repository.git('rev-parse', 'HEAD');
    const worktree = await manager.ensure(request);
    expect(worktree).toEqual({
      taskId,
      path: join(repository.worktreesDir, '1a2b-add-a-clock'),
      branch: 'orchestrator/1a2b-add-a-clock',
      baseBranch: 'main',
      baseCommit: commit,
      adminDir: join(repository.path, '.git/worktrees/1a2b-add-a-clock'),
      commonGitDir: join(repository.path, '.git'),
    });
    expect(await readdir(worktree.path)).toEqual(['.git']);
    expect(await repository.gitIn(worktree.path, 'symbolic-ref', 'HEAD')).toBe(
      `refs/heads/${worktree.branch}`,
    );
    expect(await manager.head(worktree)).toBe(commit);
  });

  test('leaves the person’s dirty files, index, stash, configuration and refs alone, and runs no hook', async () => {
    await repository.write('src/a.txt', 'stashed\n');
    await repository.git('stash');
    await repository.write('src/a.txt', 'staged\n');
    await repository.git('add', 'src/a.txt');
    await repository.write('src/a.txt', 'dirty\n');
    await repository.write('new.txt', 'untracked\n');
    await repository.plantHooks();
    const before = await repository.state();
    const worktree = await taskWorktree(manager, request);
    await writeIn(worktree.path, 'work.txt', 'work\n');
    await manager.checkpoint(worktree, 'Work');
    await manager.restore(worktree, worktree.baseCommit);
    await manager.remove(worktree, { force: true });
    expect(await repository.state()).toEqual(before);
    expect(await repository.read('src/a.txt')).toBe('dirty\n');
    expect(await repository.marks()).toBe('');
  });

  test('where the branch cannot be made leaves no record of the task either, and goes on when it can', async () => {
    const lock = join(repository.path, '.git/refs/heads/orchestrator/1a2b-add-a-clock.lock');
    await writeIn(repository.path, '.git/refs/heads/orchestrator/1a2b-add-a-clock.lock', '');
    await expect(manager.ensure(request)).rejects.toMatchObject({ code: 'environment' });
    expect(await repository.git('for-each-ref', `refs/orchestrator/${taskId}`)).toBe('');
    await rm(lock);
    expect(await manager.ensure(request)).toMatchObject({ branch: 'orchestrator/1a2b-add-a-clock' });
  });

  test('whose record alone a crash left makes the branch by it', async () => {
    const first = await manager.ensure(request);
    await rm(first.path, { recursive: true });
    await rm(first.adminDir, { recursive: true });
    await repository.git('update-ref', '-d', `refs/heads/${first.branch}`);
    await repository.commit('Second', { 'b.txt': 'b\n' });
    expect(await repository.manager().ensure(request)).toEqual(first);
  });

  test('starts from the named branch, or from a detached HEAD without one', async () => {
    await repository.git('branch', 'release');
    const release = await repository.git('rev-parse', 'release');
    const commit = await repository.commit('Second', { 'b.txt': 'b\n' });
    await repository.git('checkout', '--quiet', '--detach');
    const named = await manager.ensure({ ...request, baseBranch: 'release' });
    const detached = await manager.ensure({ ...request, taskId: otherTaskId });
    expect(named).toMatchObject({ baseBranch: 'release', baseCommit: release });
    expect(detached).toMatchObject({ baseBranch: null, baseCommit: commit });
  });

  test('keeps the base it started from when HEAD and base move on', async () => {
    const first = await manager.ensure(request);
    await repository.commit('Second', { 'b.txt': 'b\n' });
    await repository.git('checkout', '--quiet', '-b', 'elsewhere');
    expect(await manager.ensure(request)).toEqual(first);
  });

  test.each([
    'missing',
    '-b',
    '--upload-pack=touch x',
    'main~1',
    'main@{0}',
    'main^{commit}',
    'a..b',
    '',
    'x\ny',
  ])('refuses %j as a base branch', async (baseBranch) => {
    await expect(manager.ensure({ ...request, baseBranch })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.any(String),
    });
  });

  test('refuses a branch that looks like an option even where it exists', async () => {
    await repository.git('update-ref', 'refs/heads/-b', 'HEAD');
    await expect(manager.ensure({ ...request, baseBranch: '-b' })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  test('refuses a task id that is no UUID', async () => {
    await expect(manager.ensure({ ...request, taskId: '../../x' })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  test.each([
    ['$(touch /x); `rm -rf` && "quote\'', 'touch-x-rm-rf-qu'],
    ['🚀🚀', 'task'],
    ['日本語', 'task'],
    ['Größe ändern für Menü', 'gro-e-andern-fur'],
    ['line\nbreak\0nul', 'line-break-nul'],
    ['--help', 'help'],
    ['../../etc', 'etc'],
    ['a very long title indeed', 'a-very-long-titl'],
  ])('the title %j becomes the slug %s', async (title, slug) => {
    const worktree = await manager.ensure({ ...request, title });
    expect(basename(worktree.path)).toBe(`1a2b-${slug}`);
  });

  test('does not take a branch or a folder that is not this task’s', async () => {
    await repository.git('branch', 'orchestrator/1a2b-add-a-clock');
    await mkdir(join(repository.worktreesDir, '3c4d-add-a-clock'), { recursive: true });
    const worktree = await manager.ensure(request);
    expect(worktree.branch).toBe('orchestrator/0000-add-a-clock');
    expect(await manager.ensure(request)).toEqual(worktree);
    expect((await manager.ensure({ ...request, taskId: otherTaskId })).branch).toBe(
      'orchestrator/9999-add-a-clock',
    );
  });

  test('a branch named orchestrator is in the way, and the error says so', async () => {
    await repository.git('branch', 'orchestrator');
    await expect(manager.ensure(request)).rejects.toMatchObject({
      code: 'environment',
      remedy: expect.stringContaining('orchestrator'),
    });
  });

  test('asked twice at once, also by two managers, makes one worktree', async () => {
    const managers = [manager, repository.manager(join(repository.path, 'src')), manager];
    const all = await Promise.all([
      ...managers.map((each) => each.ensure(request)),
      manager.ensure({ ...request, taskId: otherTaskId }),
    ]);
    expect(new Set(all.map(({ path }) => path)).size).toBe(2);
    const list = await repository.git('worktree', 'list', '--porcelain');
    expect(list.match(/^worktree /gm)).toHaveLength(3);
  });

  test('does not touch another person’s worktree, whose folder is away', async () => {
    const linked = join(repository.root, 'on a stick');
    await repository.git('worktree', 'add', '--quiet', '-b', 'stick', linked);
    await rename(linked, `${linked}.unplugged`);
    const worktree = await taskWorktree(manager, request);
    await rm(worktree.path, { recursive: true });
    await manager.ensure(request);
    await manager.remove(worktree, { force: true });
    await rename(`${linked}.unplugged`, linked);
    expect(await repository.gitIn(linked, 'symbolic-ref', 'HEAD')).toBe('refs/heads/stick');
  });
});
