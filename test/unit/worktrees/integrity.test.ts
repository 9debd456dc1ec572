import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
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

const inside = (path: string) => join(worktree.path, path);

/** A repository whose configuration leaves a mark as soon as git looks at its files. */
async function plant(path: string): Promise<void> {
  await mkdir(inside(path), { recursive: true });
  await repository.gitIn(inside(path), 'init', '--quiet');
  await repository.gitIn(inside(path), 'config', 'user.name', 'Agent');
  await repository.gitIn(inside(path), 'config', 'user.email', 'agent@example.com');
  await writeIn(inside(path), 'file.txt', 'content\n');
  await writeIn(inside(path), '.gitattributes', '* filter=evil\n');
  await repository.gitIn(inside(path), 'add', '--all');
  await repository.gitIn(inside(path), 'commit', '--quiet', '--message', 'Planted');
  await repository.gitIn(inside(path), 'config', 'core.fsmonitor', repository.markCommand('fsmonitor'));
  await repository.gitIn(inside(path), 'config', 'filter.evil.clean', repository.markCommand('filter'));
  await writeFile(
    inside(`${path}/.git/hooks/post-checkout`),
    `#!/bin/sh\n${repository.markCommand('hook')}\n`,
    { mode: 0o755 },
  );
  await writeIn(inside(path), 'file.txt', 'changed\n');
}

describe('verify', () => {
  test('finds nothing in honest work', async () => {
    await writeIn(worktree.path, 'src/git.txt', 'x');
    await writeIn(worktree.path, '.github/x.yml', 'x');
    expect(await manager.verify(worktree)).toEqual([]);
  });

  test('is taken out without a word where it may be, before the next program starts', async () => {
    await plant('vendor');
    expect(await manager.verifyMetadata(worktree)).toEqual([]);
    await expect(lstat(inside('vendor/.git'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('the planted repository of these tests does run its own commands in plain git', async () => {
    await plant('vendor');
    await repository.gitIn(inside('vendor'), 'status');
    expect(await repository.marks()).toContain('fsmonitor');
    expect(await repository.marks()).toContain('filter');
  });

  test.each(['vendor', 'build/deep/down', 'src'])(
    'takes a repository out of %s, and leaves its files',
    async (folder) => {
      await plant(folder);
      expect(await manager.verify(worktree)).toEqual([`A git repository was put at ${folder}/.git.`]);
      expect(await manager.verify(worktree)).toEqual([]);
      await expect(lstat(inside(`${folder}/.git`))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readFile(inside(`${folder}/file.txt`), 'utf8')).toBe('changed\n');
      const kept = join(repository.worktreesDir, '.quarantine/1a2b-add-a-clock/1-git');
      expect(await readFile(join(kept, 'config'), 'utf8')).toContain('fsmonitor');
      expect(await repository.marks()).toBe('');
    },
  );

  test.each(['changes', 'checkpoint', 'restore', 'remove'] as const)(
    'a planted repository does nothing during %s',
    async (operation) => {
      await plant('vendor');
      if (operation === 'changes') expect(await manager.changes(worktree)).toHaveLength(2);
      if (operation === 'checkpoint') {
        const { files } = await manager.checkpoint(worktree, 'Work');
        expect(files.map(({ path }) => path)).toEqual(['vendor/.gitattributes', 'vendor/file.txt']);
      }
      if (operation === 'restore') {
        expect(await manager.restore(worktree, worktree.baseCommit)).toHaveLength(2);
        await expect(lstat(inside('vendor'))).rejects.toMatchObject({ code: 'ENOENT' });
      }
      if (operation === 'remove') await manager.remove(worktree, { force: true });
      expect(await repository.marks()).toBe('');
    },
  );

  test('a repository without a commit does not stop a checkpoint', async () => {
    await repository.git('init', '--quiet', inside('fresh'));
    await writeIn(worktree.path, 'fresh/x', 'x');
    expect((await manager.checkpoint(worktree, 'Work')).files).toEqual([{ path: 'fresh/x', kind: 'added' }]);
  });

  test('takes out a .git that is a file, a link, spelt otherwise, or below a name that is not UTF-8', async () => {
    await writeIn(worktree.path, 'a/.git', 'gitdir: /somewhere\n');
    await mkdir(inside('b'));
    await symlink(repository.path, inside('b/.git'));
    await writeIn(worktree.path, 'c/.GIT/config', 'x');
    await writeIn(worktree.path, '.Git/config', 'x');
    const odd = Buffer.concat([Buffer.from(`${worktree.path}/`), Buffer.from([0xff, 0xfe])]);
    await mkdir(Buffer.concat([odd, Buffer.from('/.git')]), { recursive: true });
    expect(await manager.verify(worktree)).toHaveLength(5);
    expect(await manager.verify(worktree)).toEqual([]);
    expect(await readdir(repository.path)).toContain('.git');
    await manager.checkpoint(worktree, 'Work');
  });

  test.each(['a file that leads elsewhere', 'a folder', 'a link', 'nothing', 'a very long file'])(
    'puts the .git file back where %s took its place',
    async (what) => {
      await plant('evil');
      const gitFile = inside('.git');
      await rm(gitFile);
      if (what === 'a file that leads elsewhere')
        await writeFile(gitFile, `gitdir: ${inside('evil/.git')}\n`);
      if (what === 'a folder') await rename(inside('evil/.git'), gitFile);
      if (what === 'a link') await symlink(inside('evil/.git'), gitFile);
      if (what === 'a very long file') await writeFile(gitFile, 'x'.repeat(1_000_000));
      // Before anyone noticed, git of ours must not follow it.
      await manager.changes(worktree);
      expect((await manager.verify(worktree)).join()).toMatch(/The \.git file was (replaced|removed)\./);
      expect(await readFile(gitFile, 'utf8')).toBe(`gitdir: ${worktree.adminDir}\n`);
      expect((await lstat(gitFile)).isFile()).toBe(true);
      await manager.checkpoint(worktree, 'Work');
      expect(await repository.gitIn(worktree.path, 'status', '--porcelain')).toBe('');
      expect(await repository.marks()).toBe('');
    },
  );

  test('makes HEAD the task’s branch again and keeps commits made elsewhere', async () => {
    await repository.gitIn(worktree.path, 'checkout', '--quiet', '--detach');
    await writeIn(worktree.path, 'src/a.txt', 'b\n');
    await repository.gitIn(worktree.path, 'commit', '--quiet', '--all', '--message', 'Elsewhere');
    const elsewhere = await repository.gitIn(worktree.path, 'rev-parse', 'HEAD');
    expect(await manager.verify(worktree)).toEqual([
      `Another branch than ${worktree.branch} was checked out.`,
    ]);
    expect(await manager.head(worktree)).toBe(worktree.baseCommit);
    expect(await manager.changes(worktree)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
    expect(await repository.git('rev-parse', `refs/orchestrator/${taskId}/salvage-1`)).toBe(elsewhere);
  });
});
