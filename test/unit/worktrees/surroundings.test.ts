import { chmod, lstat, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentIdentity, type Surroundings } from '../../../src/engine/worktrees/surroundings.ts';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

let repository: GitRepository;
let manager: WorktreeManager;
let worktree: Worktree;
let before: Surroundings;

const taskId = '6f1c0f9e-0000-4000-8000-000000000001';

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  await repository.git('branch', 'old');
  await repository.git('config', 'filter.big.clean', 'cat');
  worktree = await manager.ensure({ taskId, title: 'Work', baseBranch: null });
  await manager.populate(worktree, { copyFiles: [] });
  before = await manager.surroundings();
});

afterEach(() => repository.remove());

const putBack = async () => [
  ...(await manager.putBackPrograms(worktree, before)),
  ...(await manager.putBackRefs(worktree, before)).findings,
];
const hook = (name: string): string => join(repository.path, '.git/hooks', name);

/** git as the agent runs it in its worktree. */
async function agent(...args: readonly string[]): Promise<void> {
  await repository.gitAs(agentIdentity, worktree.path, ...args);
}

test('does not mind a task’s own work', async () => {
  await writeIn(worktree.path, 'x', 'x');
  await manager.checkpoint(worktree, 'x');
  await manager.restore(worktree, worktree.baseCommit);
  expect(await putBack()).toEqual([]);
});

test('leaves alone what the person does meanwhile', async () => {
  await repository.commit('Second', { 'b.txt': 'b\n' });
  await repository.git('branch', '-D', 'old');
  await repository.git('checkout', '--quiet', '-b', 'mine');
  await repository.git('tag', 'v1');
  await repository.git('tag', '-a', '-m', 'Two', 'v2');
  await repository.git('remote', 'add', 'origin', 'https://example.com/x.git');
  await repository.git('config', 'branch.mine.remote', 'origin');
  await writeFile(join(repository.path, 'readme.md'), 'stashed\n');
  await repository.git('stash');
  const state = await repository.state();
  expect(await putBack()).toEqual([]);
  expect(await repository.state()).toEqual(state);
});

describe('what the agent’s git did', () => {
  test('is undone and named, and its commits are kept', async () => {
    const state = await repository.state();
    await writeFile(join(worktree.path, 'work.txt'), 'work\n');
    await agent('stash', '--include-untracked');
    const stashed = await repository.git('rev-parse', 'refs/stash');
    await agent('branch', 'evil');
    await agent('tag', '-a', '-m', 'Tagged', 'v9');
    await agent('commit', '--allow-empty', '--quiet', '--message', 'Planted');
    const planted = await repository.gitIn(worktree.path, 'rev-parse', 'HEAD');
    await agent('update-ref', 'refs/heads/old', planted);
    await agent('update-ref', 'refs/heads/main', planted);
    expect((await putBack()).toSorted()).toEqual([
      'refs/heads/evil was made.',
      'refs/heads/main was moved.',
      'refs/heads/old was moved.',
      'refs/stash was made.',
      'refs/tags/v9 was made.',
    ]);
    expect(await repository.state()).toEqual(state);
    const kept = await repository.git(
      'for-each-ref',
      '--format=%(objectname)',
      `refs/orchestrator/${taskId}`,
    );
    expect(kept.split('\n')).toEqual(expect.arrayContaining([stashed, planted]));
    expect(await putBack()).toEqual([]);
  });
});

describe('settings that run a program', () => {
  test.each([
    ['core.fsmonitor', '/tmp/evil'],
    ['core.hooksPath', '/tmp'],
    ['core.sshCommand', 'evil'],
    ['alias.st', '!evil'],
    ['filter.big.clean', 'evil'],
    ['filter.new.process', 'evil'],
    ['diff.x.textconv', 'evil'],
    ['include.path', '/tmp/evil'],
    ['credential.helper', '!evil'],
    ['url.ext::evil.insteadOf', 'https://'],
    ['remote.origin.url', 'ext::sh -c evil'],
    ['submodule.lib.update', '!evil'],
    ['gpg.program', 'evil'],
    ['hook.evil.command', 'evil'],
    ['lfs.extension.evil.clean', 'evil'],
    ['tar.evil.command', 'evil'],
  ])('are put back byte for byte: %s', async (key, value) => {
    const text = await repository.read('.git/config');
    await repository.git('config', key, value);
    expect(await putBack()).toEqual([expect.stringMatching(/^The repository's setting .* was changed\.$/)]);
    expect(await repository.read('.git/config')).toBe(text);
  });

  test('are put back beside those that the person changed', async () => {
    await repository.git('config', 'branch.main.remote', 'origin');
    await repository.git('config', '--add', 'filter.big.clean', 'evil');
    await repository.git('config', '--unset', 'user.name');
    expect(await putBack()).toEqual(["The repository's setting filter.big.clean was changed."]);
    expect(await repository.git('config', '--get-all', 'filter.big.clean')).toBe('cat');
    expect(await repository.git('config', 'branch.main.remote')).toBe('origin');
    await expect(repository.git('config', '--local', 'user.name')).rejects.toThrow();
  });

  test('do not hide in a file that git cannot read, and not beside the one it reads first', async () => {
    const text = await repository.read('.git/config');
    await writeFile(join(repository.path, '.git/config'), '[broken');
    await repository.write('.git/config.worktree', '[core]\n\tfsmonitor = evil\n');
    await mkdir(join(repository.path, '.git/info'), { recursive: true });
    await repository.write('.git/info/attributes', '* filter=big\n');
    expect(await putBack()).toEqual([
      "The repository's config was changed.",
      "The repository's setting core.fsmonitor was changed.",
      "The repository's info/attributes was changed.",
    ]);
    expect(await repository.read('.git/config')).toBe(text);
    for (const name of ['.git/config.worktree', '.git/info/attributes'])
      await expect(lstat(join(repository.path, name))).rejects.toThrow('ENOENT');
  });
});

test('hooks are put back with their modes; what lay in their place is kept, not run', async () => {
  await writeFile(hook('post-merge'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('post-merge', hook('post-commit'));
  before = await manager.surroundings();
  await writeFile(hook('pre-commit'), 'evil', { mode: 0o755 });
  await writeFile(hook('post-merge'), 'EVIL');
  await rm(hook('post-commit'));
  await symlink('/tmp/evil', hook('post-commit'));
  expect((await putBack()).toSorted()).toEqual([
    'The hook post-commit was changed.',
    'The hook post-merge was changed.',
    'The hook pre-commit was changed.',
  ]);
  await expect(lstat(hook('pre-commit'))).rejects.toThrow('ENOENT');
  expect(await readFile(hook('post-merge'), 'utf8')).toBe('#!/bin/sh\n');
  expect(await manager.surroundings()).toEqual(before);
  await chmod(hook('post-merge'), 0o644);
  expect(await putBack()).toEqual(['The hook post-merge was changed.']);
  expect((await stat(hook('post-merge'))).mode & 0o777).toBe(0o755);
});
