import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const taskId = '1a2b3c4d-0000-4000-8000-000000000001';
const request = { taskId, title: 'Add a clock', baseBranch: null };

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  worktree = await manager.ensure(request);
  await manager.populate(worktree, { copyFiles: [] });
});

afterEach(async () => {
  await repository.remove();
});

const work = async () => {
  await writeIn(worktree.path, 'work.txt', 'work\n');
  return manager.checkpoint(worktree, 'Work');
};
const branches = () =>
  repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/', 'refs/orchestrator/');

async function expectGone(left: string): Promise<void> {
  expect(await readdir(repository.worktreesDir)).not.toContain('1a2b-add-a-clock');
  expect(await readdir(join(repository.path, '.git'))).not.toContain('worktrees');
  expect(await branches()).toBe(left);
}

describe('remove', () => {
  test('leaves nothing of a worktree without work', async () => {
    await writeIn(worktree.path, 'build/out', 'ignored');
    await manager.remove(worktree, { force: false });
    await expectGone('main');
  });

  test('leaves nothing of one that was only registered', async () => {
    const other = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await manager.remove(other, { force: false });
    expect(await branches()).not.toContain('2a2b');
  });

  test('keeps one with uncommitted changes, and says so', async () => {
    await writeIn(worktree.path, 'work.txt', 'work\n');
    await expect(manager.remove(worktree, { force: false })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('uncommitted changes: work.txt'),
      remedy: expect.stringContaining('force'),
    });
    expect(await manager.changes(worktree)).toHaveLength(1);
  });

  test('keeps one with commits that are nowhere else', async () => {
    const { commit } = await work();
    await expect(manager.remove(worktree, { force: false })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('not in main'),
    });
    expect(await manager.head(worktree)).toBe(commit);
  });

  test('by force takes the folder, and never unmerged commits', async () => {
    const { commit } = await work();
    await writeIn(worktree.path, 'more.txt', 'more\n');
    await manager.remove(worktree, { force: true });
    await expectGone(`main\n${worktree.branch}`);
    expect(await repository.git('rev-parse', worktree.branch)).toBe(commit);
  });

  test.each(['squash', 'merge'] as const)(
    'leaves nothing of accepted work (%s), also when the base moved on',
    async (strategy) => {
      await work();
      await manager.accept(worktree, strategy, 'Work');
      await repository.commit('Later', { 'work.txt': 'later\n' });
      await manager.remove(worktree, { force: false });
      await expectGone('main');
    },
  );

  test('keeps a worktree that went on after it was accepted', async () => {
    await work();
    await manager.accept(worktree, 'squash', 'Work');
    await writeIn(worktree.path, 'more.txt', 'more\n');
    await manager.checkpoint(worktree, 'More');
    await expect(manager.remove(worktree, { force: false })).rejects.toMatchObject({ code: 'environment' });
  });

  test('counts work that the person merged by hand', async () => {
    await work();
    await repository.git('merge', '--quiet', worktree.branch);
    await manager.remove(worktree, { force: false });
    await expectGone('main');
  });

  test('accepted with none leaves the branch to the person', async () => {
    const { commit } = await work();
    await manager.accept(worktree, 'none', 'Work');
    await manager.remove(worktree, { force: false });
    await expectGone(`main\n${worktree.branch}`);
    expect(await repository.git('rev-parse', worktree.branch)).toBe(commit);
  });

  test('a second time, and without folder or entry, is fine', async () => {
    await rm(worktree.path, { recursive: true });
    await manager.remove(worktree, { force: false });
    await manager.remove(worktree, { force: false });
    await expectGone('main');
    const again = await manager.ensure(request);
    await rm(again.adminDir, { recursive: true });
    await manager.remove(again, { force: false });
    await expectGone('main');
  });

  test('keeps uncommitted work of one that had to be registered anew', async () => {
    await writeIn(worktree.path, 'work.txt', 'work\n');
    await rm(worktree.adminDir, { recursive: true });
    await expect(manager.remove(worktree, { force: false })).rejects.toMatchObject({ code: 'environment' });
    const again = await manager.ensure(request);
    await expect(manager.remove(again, { force: false })).rejects.toMatchObject({
      message: expect.stringContaining('work.txt'),
    });
  });

  test('takes folders that were made read-only', async () => {
    await mkdir(join(worktree.path, 'build/cache/deep'), { recursive: true });
    await chmod(join(worktree.path, 'build/cache'), 0o500);
    await manager.remove(worktree, { force: true });
    await expectGone('main');
  });

  test('keeps what was salvaged', async () => {
    await writeIn(worktree.path, 'work.txt', 'work\n');
    await manager.restore(worktree, worktree.baseCommit);
    await manager.remove(worktree, { force: false });
    expect(await repository.git('show', `refs/orchestrator/${taskId}/salvage-1:work.txt`)).toBe('work');
  });
});
