import { chmod, lstat, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';
import { asOrdinaryUser } from '../../support/ordinaryUser.ts';

const request = { taskId: '1a2b3c4d-0000-4000-8000-000000000001', title: 'Add a clock', baseBranch: null };

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;
let asBefore: () => void;

beforeEach(async () => {
  repository = await GitRepository.create();
  vi.stubEnv('HOME', join(repository.root, 'home'));
  asBefore = asOrdinaryUser(repository.root);
  manager = repository.manager();
  worktree = await manager.ensure(request);
  await manager.populate(worktree, { copyFiles: [] });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  asBefore();
  await repository.remove();
});

const inside = (path: string) => join(worktree.path, path);

test('these tests run as someone who is kept out by permissions', async () => {
  await writeIn(worktree.path, 'file', 'x');
  await chmod(inside('file'), 0o000);
  await expect(readFile(inside('file'))).rejects.toMatchObject({ code: 'EACCES' });
});

describe('a file without permissions', () => {
  beforeEach(async () => {
    await writeIn(worktree.path, 'fixtures/private.key', 'key\n');
    await writeIn(worktree.path, 'work.txt', 'work\n');
    await chmod(inside('fixtures/private.key'), 0o000);
  });

  test('is a change like others, and is committed', async () => {
    expect(await manager.changes(worktree)).toHaveLength(2);
    await chmod(inside('fixtures/private.key'), 0o000);
    const { commit } = await manager.checkpoint(worktree, 'Work');
    expect(await repository.git('show', `${commit}:fixtures/private.key`)).toBe('key');
  });

  test('is undone, and kept', async () => {
    expect(await manager.restore(worktree, worktree.baseCommit)).toHaveLength(2);
    await expect(lstat(inside('fixtures'))).rejects.toMatchObject({ code: 'ENOENT' });
    const salvage = `refs/orchestrator/${request.taskId}/salvage-1`;
    expect(await repository.git('show', `${salvage}:fixtures/private.key`)).toBe('key');
  });

  test('keeps its worktree from being removed, by its name, and no longer', async () => {
    await expect(manager.remove(worktree, { force: false })).rejects.toMatchObject({
      message: expect.stringContaining('fixtures/private.key'),
    });
    await manager.restore(worktree, worktree.baseCommit);
    await manager.remove(worktree, { force: false });
    await expect(lstat(worktree.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.each([
  ['000', 0o000],
  ['500', 0o500],
  ['300', 0o300],
])('a folder of mode %s', (_mode, mode) => {
  beforeEach(async () => {
    await writeIn(worktree.path, 'src/a.txt', 'changed\n');
    await writeIn(worktree.path, 'src/new.txt', 'new\n');
    await mkdir(inside('src/vendor/.git'), { recursive: true });
    await chmod(inside('src/vendor/.git'), mode);
    await chmod(inside('src'), mode);
  });

  test('hides neither changes nor a planted repository', async () => {
    expect(await manager.verify(worktree)).toEqual(['A git repository was put at src/vendor/.git.']);
    expect(await manager.snapshot(worktree, 'taken out')).toMatchObject({
      changes: [
        { path: 'src/a.txt', kind: 'modified' },
        { path: 'src/new.txt', kind: 'added' },
      ],
    });
  });

  test('is undone', async () => {
    expect(await manager.restore(worktree, worktree.baseCommit)).toEqual(['src/a.txt', 'src/new.txt']);
    expect(await manager.changes(worktree)).toEqual([]);
    expect(await readFile(inside('src/a.txt'), 'utf8')).toBe('a\n');
  });

  test('is removed with the worktree', async () => {
    await manager.remove(worktree, { force: true });
    await expect(lstat(worktree.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a worktree whose own folder was closed is opened again', async () => {
  await writeIn(worktree.path, 'new.txt', 'new\n');
  await chmod(worktree.path, 0o000);
  expect(await manager.changes(worktree)).toHaveLength(1);
  await chmod(worktree.path, 0o000);
  expect(await manager.verify(await manager.ensure(request))).toEqual([]);
});
