import type * as fs from 'node:fs/promises';
import { mkdir, readdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

/** Happens once, right after a folder that has this entry was listed. */
const meanwhile = vi.hoisted(() => ({ seen: '', act: async () => {} }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const readdirThen = async (...args: Parameters<typeof fs.readdir>) => {
    const entries = (await real.readdir(...args)) as unknown as readonly { readonly name?: Buffer }[];
    if (meanwhile.seen !== '' && entries.some(({ name }) => name?.toString() === meanwhile.seen)) {
      meanwhile.seen = '';
      await meanwhile.act();
    }
    return entries;
  };
  return { ...real, readdir: readdirThen };
});

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  worktree = await manager.ensure({
    taskId: '6f1c0f9e-0000-4000-8000-000000000001',
    title: 'Work',
    baseBranch: null,
  });
  await manager.populate(worktree, { copyFiles: [] });
});

afterEach(async () => {
  meanwhile.seen = '';
  await repository.remove();
});

describe('a folder of the worktree that becomes a link to one of the person’s', () => {
  test.each([
    ['after it was seen', 'outer', 'outer/inner/.git/config'],
    ['after a folder in it was seen', 'inner', 'outer/inner/.git/config'],
    ['after a repository in it was seen', 'file', 'outer/.git/config'],
  ])('%s leads the walk nowhere', async (_when, seen, planted) => {
    const persons = join(repository.root, 'persons');
    await writeIn(persons, '.git/config', 'theirs');
    await writeIn(persons, 'inner/.git/config', 'theirs');
    await writeIn(worktree.path, planted, 'planted');
    await writeIn(worktree.path, 'outer/file', 'x');
    const moved = join(repository.root, 'moved');
    let happened = false;
    meanwhile.act = async () => {
      await rename(join(worktree.path, 'outer'), moved);
      await symlink(persons, join(worktree.path, 'outer'));
      happened = true;
    };
    meanwhile.seen = seen;
    await manager.verify(worktree);
    expect(happened).toBe(true);
    expect((await readdir(persons)).toSorted()).toEqual(['.git', 'inner']);
    expect(await readdir(join(persons, 'inner'))).toEqual(['.git']);
  });
});

test('a link to a folder is not gone through', async () => {
  await mkdir(join(repository.root, 'persons/.git'), { recursive: true });
  await symlink(join(repository.root, 'persons'), join(worktree.path, 'link'));
  expect(await manager.verify(worktree)).toEqual([]);
  expect(await readdir(join(repository.root, 'persons'))).toEqual(['.git']);
});
