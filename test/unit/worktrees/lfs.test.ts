import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, taskWorktree, writeIn } from '../../support/gitRepository.ts';

/** As `git lfs install` writes them. */
const installed =
  '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\trequired = true\n';

let repository: GitRepository;
let manager: WorktreeManager;

/** In the place of Git LFS: tells what it was asked, and whether it may fetch files. */
beforeEach(async () => {
  repository = await GitRepository.create();
  await repository.commit('Attributes', { '.gitattributes': '*.bin filter=lfs\n' });
  manager = repository.manager();
  const bin = join(repository.root, 'bin');
  await mkdir(bin);
  const script = `#!/bin/sh\necho "$1 skip=$GIT_LFS_SKIP_SMUDGE" >>'${join(repository.root, 'marks')}'\ncat\n`;
  await writeFile(join(bin, 'git-lfs'), script, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  vi.stubEnv('HOME', join(repository.root, 'home'));
  await writeIn(repository.root, 'home/.gitconfig', installed);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await repository.remove();
});

async function acceptedWork(): Promise<void> {
  const worktree = await taskWorktree(manager);
  await writeIn(worktree.path, 'a.bin', 'pointer\n');
  const { commit } = await manager.checkpoint(worktree, 'Work');
  await writeIn(worktree.path, 'a.bin', 'changed\n');
  await manager.restore(worktree, commit);
  expect(await readFile(join(worktree.path, 'a.bin'), 'utf8')).toBe('pointer\n');
  await manager.accept(worktree, 'squash', 'Work');
}

test('Git LFS is told to fetch no files, neither for a worktree nor for the checkout', async () => {
  await acceptedWork();
  const asked = (await repository.marks()).split('\n');
  expect(asked.filter((line) => line.startsWith('smudge'))).toEqual(['smudge skip=1', 'smudge skip=1']);
  expect(await repository.read('a.bin')).toBe('pointer\n');
});

test.each([
  'lfs.extension.evil.clean',
  'lfs.Extension.evil.smudge',
  'lfs.customtransfer.evil.path',
  'lfs.standaloneTransferAgent',
  'lfs.https://example.com.standaloneTransferAgent',
])('Git LFS does not run where the repository’s own configuration has %s', async (key) => {
  await repository.git('config', key, 'evil');
  await expect(acceptedWork()).rejects.toMatchObject({
    code: 'merge-conflict',
    message: expect.stringContaining('a.bin passes the filter lfs'),
    remedy: expect.stringContaining('--global'),
  });
  expect(await repository.marks()).toBe('');
});

test('Git LFS runs where the person’s own settings name the same program', async () => {
  await repository.git('config', 'lfs.extension.mine.clean', 'mine');
  await writeIn(repository.root, 'home/.gitconfig', `${installed}[lfs "extension.mine"]\n\tclean = mine\n`);
  await acceptedWork();
  expect(await repository.marks()).toContain('smudge');
});
