import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Phase } from '../../../src/engine/domain/task.ts';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const request = {
  taskId: '1a2b3c4d-0000-4000-8000-000000000001',
  title: 'Add a clock',
  baseBranch: 'main',
};
const completed: Phase = { type: 'completed' };

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

const checkpoint = async (): Promise<string> => (await manager.checkpoint(worktree, 'Work')).commit;

describe('committedWork', () => {
  test('is the branch against the commit it started from, whatever the base branch did meanwhile', async () => {
    await writeIn(worktree.path, 'src/a.txt', 'work\n');
    await writeIn(worktree.path, 'neu ü.txt', 'new\n');
    const tip = await checkpoint();
    await repository.commit('Meanwhile', { 'other.txt': 'other\n' });
    expect(await manager.committedWork({ worktree, commit: null, phase: completed })).toEqual({
      from: worktree.baseCommit,
      to: tip,
      files: [
        { path: 'neu ü.txt', kind: 'added' },
        { path: 'src/a.txt', kind: 'modified' },
      ],
    });
  });

  test('is what the merge brought, once the branch is gone', async () => {
    await writeIn(worktree.path, 'src/a.txt', 'work\n');
    await checkpoint();
    const before = await repository.commit('Meanwhile', { 'other.txt': 'other\n' });
    const commit = await manager.accept(worktree, 'squash', 'Add a clock');
    await manager.remove(worktree, { force: true });
    await repository.git('branch', '--quiet', '-D', worktree.branch).catch(() => '');
    const phase: Phase = { type: 'done', strategy: 'squash' };
    expect(await manager.committedWork({ worktree, commit, phase })).toEqual({
      from: before,
      to: commit,
      files: [{ path: 'src/a.txt', kind: 'modified' }],
    });
  });

  test('is nothing without a worktree, or when its commits are gone', async () => {
    expect(await manager.committedWork({ worktree: null, commit: null, phase: completed })).toBeNull();
    const gone = { ...worktree, branch: 'orchestrator/gone' };
    expect(
      await manager.committedWork({ worktree: gone, commit: 'f'.repeat(40), phase: completed }),
    ).toBeNull();
    expect(await manager.committedWork({ worktree: gone, commit: 'main', phase: completed })).toBeNull();
  });

  test('never asks the folder of the worktree, where an agent could have planted a repository', async () => {
    await writeIn(worktree.path, 'src/a.txt', 'work\n');
    const tip = await checkpoint();
    await writeFile(join(worktree.path, '.git'), `gitdir: ${join(repository.root, 'evil')}\n`);
    const work = await manager.committedWork({ worktree, commit: null, phase: completed });
    expect(work?.to).toBe(tip);
    expect(await manager.readFileAt(tip, 'src/a.txt')).toEqual({ type: 'text', text: 'work\n' });
  });
});

describe('readFileAt', () => {
  test('reads a file as it was committed, and says when there is none', async () => {
    await writeIn(worktree.path, 'neu ü [*].txt', 'new\n');
    const tip = await checkpoint();
    expect(await manager.readFileAt(tip, 'neu ü [*].txt')).toEqual({ type: 'text', text: 'new\n' });
    expect(await manager.readFileAt(worktree.baseCommit, 'neu ü [*].txt')).toEqual({ type: 'none' });
    for (const path of ['src', 'src/', '.', '', '../readme.md', ':(top)readme.md', '-z'])
      expect(await manager.readFileAt(tip, path), path).toEqual({ type: 'none' });
  });

  test('takes a commit by its full id alone', async () => {
    expect(await manager.readFileAt(worktree.baseCommit, 'readme.md')).toEqual({
      type: 'text',
      text: 'readme\n',
    });
    for (const name of ['HEAD', 'main', '--help', worktree.baseCommit.slice(0, 10)])
      expect(await manager.readFileAt(name, 'readme.md'), name).toEqual({ type: 'none' });
  });

  test('shows a link as its target and does not follow it', async () => {
    await symlink('/etc/hostname', join(worktree.path, 'link'));
    expect(await manager.readFileAt(await checkpoint(), 'link')).toEqual({
      type: 'text',
      text: '/etc/hostname',
    });
  });

  test('does not hand out what no editor can show', async () => {
    await writeFile(join(worktree.path, 'picture.bin'), Buffer.from([1, 0, 2, 0]));
    await writeFile(join(worktree.path, 'long.txt'), 'x'.repeat(5_000_001));
    const tip = await checkpoint();
    expect(await manager.readFileAt(tip, 'picture.bin')).toEqual({ type: 'binary', bytes: 4 });
    expect(await manager.readFileAt(tip, 'long.txt')).toEqual({ type: 'too-large', bytes: 5_000_001 });
  });

  test('runs no text conversion of the repository', async () => {
    await repository.git('config', 'diff.marked.textconv', repository.markCommand('textconv'));
    await repository.git('config', 'filter.marked.smudge', repository.markCommand('smudge'));
    await writeIn(worktree.path, '.gitattributes', '*.txt diff=marked filter=marked\n');
    const tip = await checkpoint();
    expect(await manager.readFileAt(tip, 'src/a.txt')).toEqual({ type: 'text', text: 'a\n' });
    expect(await repository.marks()).toBe('');
  });
});
