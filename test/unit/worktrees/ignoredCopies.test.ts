import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const request = {
  taskId: '1a2b3c4d-0000-4000-8000-000000000001',
  title: 'Add a clock',
  baseBranch: null,
};

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;

beforeEach(async () => {
  repository = await GitRepository.create();
  await repository.commit('Ignore secrets', { '.gitignore': '.env\nsecrets/\n' });
  manager = repository.manager();
  worktree = await manager.ensure(request);
});

afterEach(() => repository.remove());

async function populateWith(...copyFiles: readonly string[]): Promise<void> {
  for (const path of copyFiles) await repository.write(path, 'SECRET=1\n');
  await manager.populate(worktree, { copyFiles });
}

test.each([
  ['ignored by name', '.env'],
  ['in an ignored folder', 'secrets/ä key.pem'],
])('a copied file that is %s stands in the way of no question and no commit', async (_how, path) => {
  await populateWith(path, 'conf/local.json');
  expect(await manager.changes(worktree)).toEqual([]);
  await writeIn(worktree.path, 'src/a.txt', 'b\n');
  expect(await manager.changes(worktree)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
  const { commit } = await manager.checkpoint(worktree, 'Work');
  expect(await repository.git('show', '--format=', '--name-only', commit)).toBe('src/a.txt');
  expect(await manager.restore(worktree, worktree.baseCommit)).toEqual(['src/a.txt']);
  expect(await readFile(join(worktree.path, path), 'utf8')).toBe('SECRET=1\n');
});

test('a copied file that is no longer ignored is still left out', async () => {
  await populateWith('.env');
  await writeIn(worktree.path, '.gitignore', '\n');
  expect(await manager.changes(worktree)).toEqual([{ path: '.gitignore', kind: 'modified' }]);
});

test('an ignored folder of copied files that became a link is no obstacle', async () => {
  await populateWith('secrets/key.pem');
  await rm(join(worktree.path, 'secrets'), { recursive: true });
  await symlink('/etc', join(worktree.path, 'secrets'));
  await writeIn(worktree.path, 'src/a.txt', 'b\n');
  expect((await manager.changes(worktree)).map(({ path }) => path)).toContain('src/a.txt');
});

test('a submodule in an ignored folder stays as it is', async () => {
  const other = await GitRepository.create();
  try {
    const add = ['submodule', '--quiet', 'add', '--force', '--', other.path, 'secrets/module'];
    await repository.git('-c', 'protocol.file.allow=always', ...add);
    await repository.git('commit', '--quiet', '--message', 'Add a submodule');
    const next = await manager.ensure({ ...request, taskId: '1a2b3c4d-0000-4000-8000-000000000002' });
    await manager.populate(next, { copyFiles: [] });
    await writeIn(next.path, 'src/a.txt', 'b\n');
    expect(await manager.changes(next)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
  } finally {
    await other.remove();
  }
});
