import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Worktree } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository } from '../../support/gitRepository.ts';
import { StagedTask } from '../../support/stagedTask.ts';

let repository: GitRepository;
let staged: StagedTask;
let worktree: Worktree;
let work: string;

beforeEach(async () => {
  repository = await GitRepository.create();
  ({ staged, worktree, work } = await worked(repository));
});

afterEach(() => repository.remove());

/** A task that made `made.txt` and changed `src/a.txt`. */
async function worked(where: GitRepository) {
  const task = new StagedTask(where);
  const made = await task.prepare();
  await task.run('specification');
  await task.run('implementation', async (path) => {
    await writeFile(join(path, 'made.txt'), 'made\n');
    await writeFile(join(path, 'src/a.txt'), 'changed\n');
  });
  return { staged: task, worktree: made, work: await where.git('rev-parse', made.branch) };
}

const filesOf = (revision: string) => repository.git('ls-tree', '-r', '--name-only', revision);
const refs = () => repository.git('for-each-ref', '--format=%(objectname) %(refname)');
const allFiles = '.gitignore\nmade.txt\nreadme.md\nsrc/a.txt';

describe('a worktree whose folder is gone', () => {
  test.each(['with git’s entry', 'without it'])('%s is merged from its branch', async (which) => {
    if (which === 'without it') await repository.git('worktree', 'remove', '--force', worktree.path);
    else await rm(worktree.path, { recursive: true });
    const commit = await staged.accept('squash');
    expect(await repository.git('rev-parse', 'main')).toBe(commit);
    expect(await filesOf('main')).toBe(allFiles);
  });

  test('has its files when the merge leaves a conflict to solve in it', async () => {
    await repository.commit('Theirs', { 'src/a.txt': 'theirs\n' });
    await rm(worktree.path, { recursive: true });
    await expect(staged.accept('squash')).rejects.toMatchObject({ code: 'merge-conflict' });
    expect(await readFile(join(worktree.path, 'made.txt'), 'utf8')).toBe('made\n');
    expect(await repository.gitIn(worktree.path, 'status', '--porcelain')).toBe('');
  });

  test('but for files of a person’s is not merged, and they are not told to commit in it', async () => {
    await rm(worktree.adminDir, { recursive: true });
    await writeFile(join(worktree.path, 'readme.md'), 'by hand\n');
    await rm(join(worktree.path, 'src'), { recursive: true });
    const before = await repository.git('rev-parse', 'main');
    await expect(staged.accept('squash')).rejects.toMatchObject({
      message: 'The worktree has changes that are not committed: readme.md.',
      remedy: expect.stringMatching(/^Do not commit there.*remove that folder, then accept again\.$/),
    });
    expect(await repository.git('rev-parse', 'main')).toBe(before);
    await rm(worktree.path, { recursive: true });
    await staged.accept('squash');
    expect(await filesOf('main')).toBe(allFiles);
  });
});

test('changes that are not committed are refused, deletions among them', async () => {
  await rm(join(worktree.path, 'readme.md'));
  await expect(staged.accept('squash')).rejects.toMatchObject({
    message: 'The worktree has changes that are not committed: readme.md.',
    remedy: expect.stringMatching(/^Commit them on /),
  });
});

describe('a branch that is gone', () => {
  beforeEach(async () => {
    await repository.git('worktree', 'remove', '--force', worktree.path);
    await repository.git('branch', '-D', worktree.branch);
  });

  test.each(['squash', 'merge'] as const)(
    'is not made again to %s it: nothing changes, and what to do is told',
    async (strategy) => {
      const before = await refs();
      await expect(staged.accept(strategy)).rejects.toMatchObject({
        code: 'environment',
        message: `The branch ${worktree.branch}, which holds this task's work, is not in the repository.`,
        remedy: expect.stringContaining(`\`git branch ${worktree.branch} ${work}\``),
      });
      expect(await refs()).toBe(before);
      expect(await repository.git('worktree', 'list')).not.toContain('orchestrator/');
      await repository.git('branch', worktree.branch, work);
      await staged.accept(strategy);
      expect(await filesOf('main')).toBe(allFiles);
    },
  );

  test('is fine for a person who merged it and wants no merge', async () => {
    expect(await staged.accept('none')).toBeNull();
  });

  test('is not begun anew by a retry either', async () => {
    const before = await refs();
    await expect(staged.prepare()).rejects.toMatchObject({ code: 'environment' });
    expect(await refs()).toBe(before);
  });
});

test('a branch that lacks the task’s commit is not merged', async () => {
  await repository.gitIn(worktree.path, 'reset', '--quiet', '--hard', worktree.baseCommit);
  const before = await refs();
  await expect(staged.accept('squash')).rejects.toMatchObject({
    code: 'environment',
    message: `The branch ${worktree.branch} lacks the commit ${work.slice(0, 12)}, in which this task's work is.`,
    remedy: expect.stringContaining(`\`git merge ${work}\``),
  });
  expect(await refs()).toBe(before);
  await repository.gitIn(worktree.path, 'merge', '--quiet', work);
  await staged.accept('squash');
  expect(await filesOf('main')).toBe(allFiles);
});

describe('in another clone, after an import', () => {
  let other: GitRepository;
  let moved: StagedTask;
  const branch = () => worktree.branch;

  beforeEach(async () => {
    other = await GitRepository.empty();
    await other.git('pull', '--quiet', repository.path, 'main');
    moved = staged.movedTo(other);
  });

  afterEach(() => other.remove());

  const fetch = () => other.git('fetch', '--quiet', repository.path, `${branch()}:${branch()}`);

  test('the fetched branch is taken up, accepted and cleaned up', async () => {
    await fetch();
    const commit = await moved.accept('squash');
    expect(await other.git('rev-parse', 'main')).toBe(commit);
    expect(await other.git('ls-tree', '-r', '--name-only', 'main')).toBe(allFiles);
    const request = { taskId: moved.task.id, title: moved.task.title, baseBranch: null };
    await moved.manager.remove(await moved.manager.ensure(request), { force: false });
    expect(await other.git('for-each-ref', 'refs/heads/orchestrator', 'refs/orchestrator')).toBe('');
  });

  test('work goes on on the fetched branch, also once no one asks for it any more', async () => {
    await fetch();
    const again = await moved.prepare();
    expect(again).toMatchObject({ branch: branch(), baseBranch: 'main', baseCommit: worktree.baseCommit });
    expect(await readFile(join(again.path, 'made.txt'), 'utf8')).toBe('made\n');
    const request = { taskId: moved.task.id, title: moved.task.title, baseBranch: null };
    expect(await other.manager().ensure(request)).toEqual(again);
  });

  test('without it nothing is made, and what to fetch is told', async () => {
    for (const move of [() => moved.accept('squash'), () => moved.prepare()]) {
      await expect(move()).rejects.toMatchObject({
        code: 'environment',
        remedy: expect.stringContaining(`\`git fetch REPOSITORY ${branch()}:${branch()}\``),
      });
    }
    expect(await other.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    await fetch();
    await moved.accept('squash');
    expect(await other.git('ls-tree', '-r', '--name-only', 'main')).toBe(allFiles);
  });

  test('a branch of its name that is not its own is left alone', async () => {
    await other.git('branch', branch(), 'main');
    await expect(moved.prepare()).rejects.toMatchObject({
      code: 'environment',
      remedy: expect.stringMatching(/^Rename that branch\. Fetch it /),
    });
    expect(await other.git('rev-parse', branch())).toBe(await other.git('rev-parse', 'main'));
  });

  test('a branch that no task of ours could have made is not taken up', async () => {
    await other.git('fetch', '--quiet', repository.path, `${branch()}:feature`);
    const { worktree: recorded } = moved.task;
    if (recorded === null) throw new Error('It has a worktree');
    moved.task = { ...moved.task, worktree: { ...recorded, branch: 'feature' } };
    await expect(moved.prepare()).rejects.toMatchObject({ code: 'environment' });
    expect(await other.git('for-each-ref', 'refs/orchestrator')).toBe('');
  });

  test('where no work was done yet it begins from here, with or without the branch', async () => {
    moved.task = { ...moved.task, commit: worktree.baseCommit };
    const first = await moved.prepare();
    expect(first).toMatchObject({ branch: branch(), baseCommit: worktree.baseCommit });
  });
});
