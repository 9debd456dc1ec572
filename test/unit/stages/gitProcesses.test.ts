import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { executeHere, executeThrough } from '../../../src/engine/process/exec.ts';
import { agentIdentity } from '../../../src/engine/worktrees/surroundings.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';
import { StagedTask } from '../../support/stagedTask.ts';

let repository: GitRepository;
let task: StagedTask;
let commands: string[];
let executeHereAgain: () => void;

beforeEach(async () => {
  // What counts as following at once must not depend on the machine.
  vi.useFakeTimers({ toFake: ['performance'] });
  repository = await GitRepository.create();
  await repository.commit('Rules', { 'CLAUDE.md': `Be kind. ${repository.root}\n` });
  task = new StagedTask(repository);
  // What an engine asks once: where the repository lies, and which hooks its settings name.
  await task.manager.checkBase('main');
  commands = [];
  executeHereAgain = executeThrough((file, args, options) => {
    const name = args.find((each, at) => /^[a-z]/.test(each) && args[at - 1] !== '-c');
    commands.push(name ?? file);
    return executeHere(file, args, options);
  });
});

afterEach(async () => {
  executeHereAgain();
  vi.useRealTimers();
  await repository.remove();
});

/** The git commands since the last time. */
function ran(): readonly string[] {
  return commands.splice(0).toSorted();
}

const work = (path: string): Promise<void> => writeIn(path, 'new.txt', 'new\n');

test('a task asks git no more than it has to', async () => {
  await task.prepare();
  expect(ran()).toEqual(['cat-file', 'mktag', 'read-tree', 'update-ref', 'worktree']);
  await task.run('specification');
  expect(ran()).toEqual(['add', 'for-each-ref', 'for-each-ref', 'ls-tree']);
  await task.run('implementation', work);
  expect(ran()).toEqual([
    'add',
    'commit-tree',
    'diff-index',
    'diff-tree',
    'for-each-ref',
    'update-ref',
    'write-tree',
  ]);
  expect(await task.run('qa')).toMatchObject({ type: 'succeeded' });
  expect(ran()).toEqual(['add', 'diff-tree', 'for-each-ref', 'ls-tree']);
});

describe('the first stage', () => {
  const looks = async (): Promise<number> => {
    ran();
    expect(await task.run('specification')).toMatchObject({ type: 'succeeded' });
    return ran().filter((each) => each === 'add').length;
  };

  test('takes the worktree as it was checked out, where it follows at once', async () => {
    await task.prepare();
    expect(await looks()).toBe(1);
  });

  test('looks again some time later', async () => {
    const { path } = await task.prepare();
    vi.advanceTimersByTime(500);
    await work(path);
    expect(await looks()).toBeGreaterThan(1);
    await expect(access(join(path, 'new.txt'))).rejects.toThrow('ENOENT');
  });

  test('looks again at a worktree that was there before', async () => {
    const { path } = await task.prepare();
    await work(path);
    await task.prepare();
    expect(await looks()).toBeGreaterThan(1);
    await expect(access(join(path, 'new.txt'))).rejects.toThrow('ENOENT');
  });

  test('looks again where a setup command ran', async () => {
    task = new StagedTask(repository, { setupCommand: 'make' });
    const { path } = await task.prepare(work);
    await access(join(path, 'new.txt'));
    expect(await looks()).toBeGreaterThan(1);
    await expect(access(join(path, 'new.txt'))).rejects.toThrow('ENOENT');
  });
});

describe('a stage that follows at once', () => {
  beforeEach(async () => {
    await task.prepare();
    await task.run('specification');
  });

  test('leaves alone what the person did to refs before it', async () => {
    const commit = await repository.commit('Second', { 'b.txt': 'b\n' });
    await repository.git('branch', 'mine');
    expect(await task.run('implementation', work)).toMatchObject({ type: 'succeeded' });
    expect(await repository.git('rev-parse', 'main', 'mine')).toBe(`${commit}\n${commit}`);
  });

  test('undoes what its agent does to refs', async () => {
    const main = await repository.git('rev-parse', 'main');
    const report = await task.run('implementation', async (path) => {
      await work(path);
      await repository.gitAs(agentIdentity, path, 'commit', '--quiet', '--allow-empty', '--message', 'Evil');
      await repository.gitAs(agentIdentity, path, 'update-ref', 'refs/heads/main', 'HEAD');
    });
    expect(report).toMatchObject({ type: 'failed', failure: { code: 'forbidden-change' } });
    expect(await repository.git('rev-parse', 'main')).toBe(main);
    // What was put back is no news to the attempt after it.
    expect(await task.run('implementation', work)).toMatchObject({ type: 'succeeded' });
  });
});
