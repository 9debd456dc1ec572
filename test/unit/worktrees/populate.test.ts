import { lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const request = { taskId: '1a2b3c4d-0000-4000-8000-000000000001', title: 'Add a clock', baseBranch: null };

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  worktree = await manager.ensure(request);
});

afterEach(async () => {
  await repository.remove();
});

const read = (path: string) => readFile(join(worktree.path, path), 'utf8');

describe('populate', () => {
  test('checks out what is committed, not what lies in the main checkout', async () => {
    await repository.write('src/a.txt', 'dirty\n');
    await manager.populate(worktree, { copyFiles: [] });
    expect(await read('src/a.txt')).toBe('a\n');
    expect(await repository.gitIn(worktree.path, 'status', '--porcelain')).toBe('');
  });

  test('happens once: a later call leaves the work alone', async () => {
    await repository.write('.env', 'A=1\n');
    await manager.populate(worktree, { copyFiles: ['.env'] });
    await writeIn(worktree.path, 'src/a.txt', 'work\n');
    await writeIn(worktree.path, '.env', 'A=2\n');
    await rm(join(worktree.path, 'readme.md'));
    await manager.populate(worktree, { copyFiles: ['.env'] });
    expect(await read('src/a.txt')).toBe('work\n');
    expect(await read('.env')).toBe('A=2\n');
    await expect(read('readme.md')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('checks out every file of a repository with a sparse checkout, which stays sparse', async () => {
    await repository.git('sparse-checkout', 'set', 'nothing');
    const before = await repository.state();
    const other = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await manager.populate(other, { copyFiles: [] });
    expect(await readFile(join(other.path, 'src/a.txt'), 'utf8')).toBe('a\n');
    expect(await manager.changes(other)).toEqual([]);
    expect(await repository.state()).toEqual(before);
  });

  test('after a checkout that broke off, completes it and salvages nothing', async () => {
    await writeIn(worktree.path, 'readme.md', 'readme\n');
    await manager.populate(worktree, { copyFiles: [] });
    expect(await read('src/a.txt')).toBe('a\n');
    expect(await repository.git('for-each-ref', `refs/orchestrator/${request.taskId}/salvage-*`)).toBe('');
  });

  test('copied files are there, and are no change, in no commit and kept when restoring', async () => {
    await repository.write('.env', 'SECRET=1\n');
    await repository.write('conf/ä local.json', '{}\n');
    await manager.populate(worktree, { copyFiles: ['.env', './conf/ä local.json'] });
    expect(await read('.env')).toBe('SECRET=1\n');
    expect(await read('conf/ä local.json')).toBe('{}\n');
    expect(await manager.changes(worktree)).toEqual([]);

    await writeIn(worktree.path, '.env', 'SECRET=2\n');
    await writeIn(worktree.path, 'conf/other.json', '{}\n');
    const { commit, files } = await manager.checkpoint(worktree, 'Work');
    expect(files).toEqual([{ path: 'conf/other.json', kind: 'added' }]);
    expect(await repository.git('ls-tree', '-r', '--name-only', commit)).not.toContain('.env');
    expect(await manager.restore(worktree, worktree.baseCommit)).toEqual(['conf/other.json']);
    expect(await read('.env')).toBe('SECRET=2\n');
    expect(await read('conf/ä local.json')).toBe('{}\n');
    expect(
      await repository.git('grep', '--all-match', 'SECRET', ...(await allCommits())).catch(() => ''),
    ).toBe('');
  });

  test('a copied file that the agent committed by itself leaves the tree at the next checkpoint', async () => {
    await repository.write('.env', 'SECRET=1\n');
    await manager.populate(worktree, { copyFiles: ['.env'] });
    await repository.gitIn(worktree.path, 'add', '--force', '.env');
    await repository.gitIn(worktree.path, 'commit', '--quiet', '--message', 'Mine');
    const { commit } = await manager.checkpoint(worktree, 'Work');
    expect(await repository.git('ls-tree', '-r', '--name-only', commit)).not.toContain('.env');
    expect(await read('.env')).toBe('SECRET=1\n');
  });

  test.each([
    '/etc/passwd',
    '../secret',
    'src/../../secret',
    '.git/config',
    'src/.GIT/x',
    '',
    '.',
    'src/',
    'C:\\x',
    'a\0b',
  ])('refuses to copy %j', async (path) => {
    await writeFile(join(repository.root, 'secret'), 'secret');
    await expect(manager.populate(worktree, { copyFiles: [path] })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('.env'),
    });
  });

  test('refuses a missing file, a folder, a committed file and a link that leads outside', async () => {
    await writeFile(join(repository.root, 'secret'), 'secret');
    await symlink('../secret', join(repository.path, 'link'));
    await symlink('.git/config', join(repository.path, 'config'));
    for (const [path, why] of [
      ['missing.env', 'does not exist'],
      ['readme.md/x', 'does not exist'],
      ['src', 'not a file'],
      ['readme.md', 'committed'],
      ['link', 'leads out'],
      ['config', 'leads out'],
    ] as const) {
      await expect(manager.populate(worktree, { copyFiles: [path] })).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(why),
        remedy: expect.any(String),
      });
    }
    // Nothing is half done: with the list mended it works.
    await manager.populate(worktree, { copyFiles: [] });
    expect(await read('readme.md')).toBe('readme\n');
  });

  test('a link inside the checkout is followed, and a file comes out', async () => {
    await repository.write('shared/env', 'A=1\n');
    await symlink('shared/env', join(repository.path, '.env'));
    await manager.populate(worktree, { copyFiles: ['.env'] });
    expect((await lstat(join(worktree.path, '.env'))).isFile()).toBe(true);
  });

  test('never writes through a link that the repository holds', async () => {
    await mkdir(join(repository.root, 'outside'));
    await repository.git(
      'update-index',
      '--add',
      '--cacheinfo',
      `120000,${await linkBlob('../../outside')},conf`,
    );
    await repository.git('commit', '--quiet', '--message', 'Link');
    await repository.write('conf/local', 'content');
    const other = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await expect(manager.populate(other, { copyFiles: ['conf/local'] })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('link'),
    });
    await expect(lstat(join(repository.root, 'outside/local'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

async function allCommits(): Promise<string[]> {
  return (await repository.git('rev-list', '--all')).split('\n');
}

async function linkBlob(target: string): Promise<string> {
  await writeFile(join(repository.root, 'target'), target);
  return repository.git('hash-object', '-w', join(repository.root, 'target'));
}
