import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const request = { taskId: '1a2b3c4d-0000-4000-8000-000000000001', title: 'Add a clock', baseBranch: null };

let repository: GitRepository;
let manager: WorktreeManager;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
});

afterEach(async () => {
  await repository.remove();
});

describe('a submodule', () => {
  let other: Worktree;

  beforeEach(async () => {
    const library = join(repository.root, 'library');
    await repository.git('clone', '--quiet', repository.path, library);
    const add = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet'];
    await repository.git(...add, library, 'lib');
    await repository.git('commit', '--quiet', '--message', 'Library');
    other = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await manager.populate(other, { copyFiles: [] });
  });

  test('stays an empty folder, and is no change', async () => {
    const before = await repository.state();
    expect(await readdir(join(other.path, 'lib'))).toEqual([]);
    await writeIn(other.path, 'new.txt', 'x');
    expect((await manager.checkpoint(other, 'Work')).files).toEqual([{ path: 'new.txt', kind: 'added' }]);
    expect(await manager.accept(other, 'squash', 'Work')).toBe(await repository.git('rev-parse', 'main'));
    expect((await repository.state())['config']).toBe(before['config']);
    expect(await repository.git('status', '--porcelain')).toBe('');
  });

  test('fetched into the worktree keeps its link, and what happens inside is no change and runs nothing', async () => {
    await repository.gitIn(
      other.path,
      '-c',
      'protocol.file.allow=always',
      'submodule',
      'update',
      '--quiet',
      '--init',
    );
    const config = join(other.adminDir, 'modules/lib/config');
    await repository.git('config', '--file', config, 'core.fsmonitor', repository.markCommand('fsmonitor'));
    await repository.git('config', '--file', config, 'filter.evil.clean', repository.markCommand('filter'));
    await writeIn(other.path, 'lib/.gitattributes', '* filter=evil\n');
    await writeIn(other.path, 'lib/src/a.txt', 'changed\n');
    expect(await manager.verify(other)).toEqual([]);
    expect(await manager.changes(other)).toEqual([]);
    expect((await manager.checkpoint(other, 'Work')).changed).toBe(false);
    expect(await manager.restore(other, other.baseCommit)).toEqual([]);
    expect(await readFile(join(other.path, 'lib/src/a.txt'), 'utf8')).toBe('changed\n');
    expect(await repository.marks()).toBe('');
  });

  test('whose link goes a way through planted links is taken out', async () => {
    await mkdir(join(other.path, 'evil/modules/lib'), { recursive: true });
    await mkdir(join(other.path, 'way'));
    await symlink(join(other.path, 'evil/modules'), join(other.path, 'lib/s'));
    // By the text it leads into git's own folder, by the links on the way into the worktree.
    const up = other.path
      .split('/')
      .slice(1)
      .map(() => '..');
    const target = `s/../${['..', '..', ...up].join('/')}${other.adminDir}/modules/lib`;
    await writeFile(join(other.path, 'lib/.git'), `gitdir: ${target}\n`);
    expect(await manager.verify(other)).toEqual(['A git repository was put at lib/.git.']);
  });

  describe('whose .gitmodules entry is gone', () => {
    beforeEach(async () => {
      await rm(join(other.path, '.gitmodules'));
    });

    test('and in whose place there are files, is replaced by them, and no work is lost', async () => {
      await writeIn(other.path, 'lib/vendored.js', 'work\n');
      expect(await manager.changes(other)).toEqual([
        { path: '.gitmodules', kind: 'deleted' },
        { path: 'lib', kind: 'deleted' },
        { path: 'lib/vendored.js', kind: 'added' },
      ]);
      await expect(manager.remove(other, { force: false })).rejects.toMatchObject({
        message: expect.stringContaining('lib/vendored.js'),
      });
      const { commit } = await manager.checkpoint(other, 'Vendor the library');
      expect(await manager.changes(other)).toEqual([]);
      await manager.restore(other, other.baseCommit);
      expect(await readdir(join(other.path, 'lib'))).toEqual([]);
      await manager.restore(other, commit);
      await manager.accept(other, 'squash', 'Vendor the library');
      expect(await repository.git('show', 'main:lib/vendored.js')).toBe('work');
      await manager.remove(other, { force: false });
    });

    test('and whose folder has ignored files alone, is still one', async () => {
      await writeIn(other.path, 'lib/build/out', 'ignored\n');
      expect(await manager.changes(other)).toEqual([{ path: '.gitmodules', kind: 'deleted' }]);
      const { commit } = await manager.checkpoint(other, 'Work');
      expect(await repository.git('ls-tree', commit, 'lib')).toMatch(/^160000 commit/);
    });
  });

  test.each([
    ['nothing', 'deleted'],
    ['a file', 'modified'],
    ['a link', 'modified'],
  ])('in whose place there is %s, is %s', async (what, kind) => {
    await rm(join(other.path, 'lib'), { recursive: true });
    if (what === 'a file') await writeFile(join(other.path, 'lib'), 'file\n');
    if (what === 'a link') await symlink('src', join(other.path, 'lib'));
    expect(await manager.changes(other)).toEqual([{ path: 'lib', kind }]);
    expect(await manager.restore(other, other.baseCommit)).toEqual(['lib']);
    expect(await manager.changes(other)).toEqual([]);
  });

  test('that was fetched where its link leads nowhere on the host is no change', async () => {
    await writeIn(other.path, 'lib/.git', 'gitdir: /orchestrator/git/modules/lib\n');
    await writeIn(other.path, 'lib/src/a.txt', 'a\n');
    // As people write it, too.
    await writeIn(other.path, '.gitmodules', '[submodule "lib"]\n\tpath = lib/\n');
    expect(await manager.changes(other)).toEqual([{ path: '.gitmodules', kind: 'modified' }]);
    expect(await readFile(join(other.path, 'lib/src/a.txt'), 'utf8')).toBe('a\n');
  });
});
