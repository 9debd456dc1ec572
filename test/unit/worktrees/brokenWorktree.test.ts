import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, taskWorktree, writeIn } from '../../support/gitRepository.ts';

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
  await repository.remove();
});

describe('a broken worktree', () => {
  async function withWork(): Promise<{ worktree: Worktree; commit: string }> {
    const worktree = await taskWorktree(manager, request);
    await writeIn(worktree.path, 'work.txt', 'committed\n');
    const { commit } = await manager.checkpoint(worktree, 'Work');
    await writeIn(worktree.path, 'src/a.txt', 'not committed\n');
    await writeIn(worktree.path, 'build/out', 'ignored\n');
    return { worktree, commit };
  }

  async function recreated(before: Worktree): Promise<Worktree> {
    const worktree = await manager.ensure(request);
    expect(worktree).toEqual(before);
    await manager.populate(worktree, { copyFiles: [] });
    return worktree;
  }

  test.each(['a new manager', 'the same'])('none: %s finds it as it is, work included', async (which) => {
    const { worktree, commit } = await withWork();
    if (which === 'a new manager') manager = repository.manager();
    const again = await recreated(worktree);
    expect(await manager.head(again)).toBe(commit);
    expect(await manager.changes(again)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
  });

  test('without its folder is checked out again from the branch', async () => {
    const { worktree, commit } = await withWork();
    await rm(worktree.path, { recursive: true });
    const again = await recreated(worktree);
    expect(await manager.head(again)).toBe(commit);
    expect(await readFile(join(again.path, 'work.txt'), 'utf8')).toBe('committed\n');
    expect(await manager.changes(again)).toEqual([]);
  });

  test('without its .git file gets it back, and keeps what was not committed', async () => {
    const { worktree } = await withWork();
    await rm(join(worktree.path, '.git'));
    const again = await recreated(worktree);
    expect(await manager.changes(again)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
    expect(await repository.gitIn(again.path, 'status', '--porcelain')).toBe(' M src/a.txt');
  });

  test('without git’s entry keeps the commits, and the rest as salvage', async () => {
    const { worktree, commit } = await withWork();
    await rm(worktree.adminDir, { recursive: true });
    const again = await recreated(worktree);
    expect(await manager.head(again)).toBe(commit);
    expect(await manager.changes(again)).toEqual([]);
    expect(await readFile(join(again.path, 'build/out'), 'utf8')).toBe('ignored\n');
    expect(await repository.git('show', `refs/orchestrator/${taskId}/salvage-1:src/a.txt`)).toBe(
      'not committed',
    );
  });

  test.each(['HEAD', 'commondir', 'gitdir'])(
    'with %s gone from git’s entry is registered anew',
    async (file) => {
      const { worktree, commit } = await withWork();
      await rm(join(worktree.adminDir, file));
      const again = await recreated(worktree);
      expect(await manager.head(again)).toBe(commit);
      expect(await manager.changes(again)).toEqual([]);
      expect(await repository.gitIn(again.path, 'status', '--porcelain')).toBe('');
    },
  );

  test.each(['not JSON', '{"taskId":1}'])('whose marker is %j is made good from the record', async (text) => {
    const { worktree, commit } = await withWork();
    const other = await manager.ensure({ ...request, taskId: otherTaskId });
    await writeFile(join(worktree.adminDir, 'orchestrator-task'), text);
    expect(await manager.ensure({ ...request, taskId: otherTaskId })).toEqual(other);
    const again = await recreated(worktree);
    expect(await manager.head(again)).toBe(commit);
    expect(await repository.git('show', `refs/orchestrator/${taskId}/salvage-1:src/a.txt`)).toBe(
      'not committed',
    );
  });

  test('without folder and entry is made again from the branch', async () => {
    const { worktree, commit } = await withWork();
    await rm(worktree.path, { recursive: true });
    await rm(worktree.adminDir, { recursive: true });
    const again = await recreated(worktree);
    expect(await manager.head(again)).toBe(commit);
    expect(await readFile(join(again.path, 'work.txt'), 'utf8')).toBe('committed\n');
  });

  test('without its branch starts from its base again', async () => {
    const { worktree } = await withWork();
    await repository.git('update-ref', '-d', `refs/heads/${worktree.branch}`);
    const again = await manager.ensure(request);
    expect(await manager.head(again)).toBe(worktree.baseCommit);
  });

  describe('whose folder was put aside when the engine died', () => {
    let worktree: Worktree;

    beforeEach(async () => {
      ({ worktree } = await withWork());
      await rm(worktree.adminDir, { recursive: true });
      await rename(worktree.path, `${worktree.path}.aside`);
    });

    const registerAnew = () =>
      repository.git('worktree', 'add', '--quiet', '--no-checkout', '--', worktree.path, worktree.branch);

    test.each(['before it was registered anew', 'after that', 'before it was put back'])(
      '%s, gets its files back',
      async (when) => {
        if (when !== 'before it was registered anew') await registerAnew();
        if (when === 'before it was put back') await rm(worktree.path, { recursive: true });
        const again = await recreated(worktree);
        expect(await readFile(join(again.path, 'build/out'), 'utf8')).toBe('ignored\n');
        expect(await repository.git('show', `refs/orchestrator/${taskId}/salvage-1:src/a.txt`)).toBe(
          'not committed',
        );
        expect(await readdir(repository.worktreesDir)).toEqual([basename(worktree.path)]);
      },
    );

    test('is left for the person where something else was written in its place', async () => {
      await writeIn(worktree.path, 'other.txt', 'other\n');
      await expect(manager.ensure(request)).rejects.toMatchObject({
        code: 'environment',
        message: expect.stringContaining('.aside'),
      });
      expect(await readFile(join(worktree.path, 'other.txt'), 'utf8')).toBe('other\n');
      expect(await readFile(join(`${worktree.path}.aside`, 'build/out'), 'utf8')).toBe('ignored\n');
    });
  });
});
