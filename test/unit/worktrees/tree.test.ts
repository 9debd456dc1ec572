import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, writeIn } from '../../support/gitRepository.ts';

const run = promisify(execFile);

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
  vi.unstubAllEnvs();
  await repository.remove();
});

const write = (path: string, content: string) => writeIn(worktree.path, path, content);
const read = (path: string) => readFile(join(worktree.path, path), 'utf8');
const salvaged = (n: number) => `refs/orchestrator/${taskId}/salvage-${n}`;
const salvageRefs = () =>
  repository.git('for-each-ref', '--format=%(refname)', `refs/orchestrator/${taskId}/salvage-*`);

describe('changes', () => {
  test('names added, modified and deleted files, whatever they are called', async () => {
    await write('src/a.txt', 'b\n');
    await rm(join(worktree.path, 'readme.md'));
    await write('neu/größe.txt', 'x');
    await write('line\nbreak\t"quoted"', 'x');
    await write('-rf', 'x');
    await write(':(exclude)*', 'x');
    await write('noise.log', 'ignored');
    const changes = await manager.changes(worktree);
    expect(changes.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: '-rf', kind: 'added' },
      { path: ':(exclude)*', kind: 'added' },
      { path: 'line\nbreak\t"quoted"', kind: 'added' },
      { path: 'neu/größe.txt', kind: 'added' },
      { path: 'readme.md', kind: 'deleted' },
      { path: 'src/a.txt', kind: 'modified' },
    ]);
  });

  test('sees mode, link and a rename as deletion and addition', async () => {
    await chmod(join(worktree.path, 'src/a.txt'), 0o755);
    await rename(join(worktree.path, 'readme.md'), join(worktree.path, 'README.md'));
    await symlink('/etc/passwd', join(worktree.path, 'link'));
    expect(await manager.changes(worktree)).toEqual([
      { path: 'README.md', kind: 'added' },
      { path: 'link', kind: 'added' },
      { path: 'readme.md', kind: 'deleted' },
      { path: 'src/a.txt', kind: 'modified' },
    ]);
  });

  test('sees a file whose name differs from another’s in case alone, whatever the settings say', async () => {
    await repository.git('config', 'core.ignoreCase', 'true');
    const isOne = existsSync(join(worktree.path, 'README.MD'));
    await write('README.md', 'second\n');
    expect(await manager.changes(worktree)).toEqual([
      isOne ? { path: 'readme.md', kind: 'modified' } : { path: 'README.md', kind: 'added' },
    ]);
  });

  test('sees what marks in the worktree’s own index would hide, past a lock left there', async () => {
    await repository.gitIn(worktree.path, 'update-index', '--assume-unchanged', 'src/a.txt');
    await repository.gitIn(worktree.path, 'update-index', '--skip-worktree', 'readme.md');
    await write('src/a.txt', 'b\n');
    await write('readme.md', 'b\n');
    await writeFile(join(worktree.adminDir, 'index.lock'), '');
    await writeFile(join(worktree.adminDir, 'orchestrator-index.lock'), '');
    expect(await manager.changes(worktree)).toHaveLength(2);
    expect((await manager.checkpoint(worktree, 'Work')).files).toHaveLength(2);
  });

  test.each(['--assume-unchanged', '--skip-worktree'])(
    'sees what an agent hid with %s in our own index',
    async (mark) => {
      expect(await manager.changes(worktree)).toEqual([]);
      const ours = { GIT_INDEX_FILE: join(worktree.adminDir, 'orchestrator-index') };
      await repository.gitAs(ours, worktree.path, 'update-index', mark, 'src/a.txt');
      await write('src/a.txt', 'hidden\n');
      expect(await manager.changes(worktree)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
    },
  );

  test('sees what settings would hide that have git trust less than all it knows of a file', async () => {
    await repository.git('config', 'core.ignoreStat', 'true');
    await repository.git('config', 'core.trustCtime', 'false');
    await repository.git('config', 'core.checkStat', 'minimal');
    await manager.restore(worktree, worktree.baseCommit);
    const file = join(worktree.path, 'src/a.txt');
    await utimes(file, 1_000_000_000, 1_000_000_000);
    expect(await manager.changes(worktree)).toEqual([]);
    // Of the same size and time.
    await write('src/new', 'b\n');
    await utimes(join(worktree.path, 'src/new'), 1_000_000_000, 1_000_000_000);
    await rename(join(worktree.path, 'src/new'), file);
    expect(await manager.changes(worktree)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
  });

  test.each([
    ['nothing', 'rm "$1"'],
    ['a folder', 'rm "$1"; mkdir "$1"; touch "$1/x"'],
    ['a pipe', 'rm "$1"; mkfifo "$1"'],
    ['a link', 'mv "$1" "$1.moved"; ln -s "$1.moved" "$1"'],
    ['a very long file', 'truncate --size 5G "$1"'],
  ])('goes on where %s took the place of our own index', async (_what, script) => {
    await write('src/a.txt', 'b\n');
    expect(await manager.changes(worktree)).toHaveLength(1);
    await run('sh', ['-c', script, 'sh', join(worktree.adminDir, 'orchestrator-index')]);
    expect(await manager.changes(worktree)).toEqual([{ path: 'src/a.txt', kind: 'modified' }]);
  });

  test('is empty in an empty tree too', async () => {
    for (const name of await readdir(worktree.path)) {
      if (name !== '.git') await rm(join(worktree.path, name), { recursive: true });
    }
    await manager.checkpoint(worktree, 'Nothing left');
    expect(await manager.changes(worktree)).toEqual([]);
  });
});

describe('a file that is committed with other line ends than its attributes ask for', () => {
  let crlf: Worktree;

  beforeEach(async () => {
    const lines = 'one\r\ntwo\r\n';
    await repository.commit('Before', { 'dos.txt': lines, 'dos.bat': lines, 'sub/"quoted".txt': lines });
    await repository.commit('Rules', { '.gitattributes': '*.txt text\n*.bat text eol=crlf\n' });
    crlf = await manager.ensure({
      taskId: '9f0c1a52-0000-4000-8000-000000000009',
      title: 'T',
      baseBranch: null,
    });
    await manager.populate(crlf, { copyFiles: [] });
  });

  test('is no change as long as nobody changes it, whatever git says', async () => {
    expect(await repository.gitIn(crlf.path, 'add', '--all', '--dry-run')).toContain('dos.txt');
    expect(await manager.changes(crlf)).toEqual([]);
    // Nor at the second look.
    expect(await manager.changes(crlf)).toEqual([]);
  });

  test('is one when it is changed, and goes into no checkpoint otherwise', async () => {
    await writeIn(crlf.path, 'new.txt', 'new\n');
    await writeIn(crlf.path, 'dos.bat', 'one\r\nthree\r\n');
    const { commit, files } = await manager.checkpoint(crlf, 'Work');
    expect(files.map(({ path, kind }) => `${kind} ${path}`)).toEqual(['modified dos.bat', 'added new.txt']);
    expect(await repository.git('diff-tree', '-r', '--name-only', `${commit}^`, commit)).toBe(
      'dos.bat\nnew.txt',
    );
    expect(await manager.changes(crlf)).toEqual([]);
  });

  test('that becomes a link is one, and is not followed', async () => {
    await rm(join(crlf.path, 'dos.txt'));
    await symlink('dos.bat', join(crlf.path, 'dos.txt'));
    expect(await manager.changes(crlf)).toMatchObject([{ path: 'dos.txt', kind: 'modified' }]);
  });
});

describe('checkpoint', () => {
  test('commits everything on the task’s branch, in the person’s name', async () => {
    await write('src/a.txt', 'b\n');
    await write('new.txt', 'new\n');
    const { commit, changed, files } = await manager.checkpoint(worktree, 'Title\n\nBody; $(x) -m ü');
    expect({ changed, files }).toEqual({
      changed: true,
      files: [
        { path: 'new.txt', kind: 'added' },
        { path: 'src/a.txt', kind: 'modified' },
      ],
    });
    expect(await manager.head(worktree)).toBe(commit);
    expect(await repository.git('log', '-1', '--format=%an <%ae>|%P|%B', commit)).toBe(
      `Person <person@example.com>|${worktree.baseCommit}|Title\n\nBody; $(x) -m ü`,
    );
    expect(await repository.gitIn(worktree.path, 'status', '--porcelain')).toBe('');
  });

  test('of nothing makes no commit', async () => {
    await write('noise.log', 'ignored');
    expect(await manager.checkpoint(worktree, 'x')).toEqual({
      commit: worktree.baseCommit,
      changed: false,
      files: [],
    });
  });

  test('has a name to commit by where the person has none, even if git may not guess', async () => {
    vi.stubEnv('HOME', join(repository.root, 'home'));
    vi.stubEnv('XDG_CONFIG_HOME', join(repository.root, 'home'));
    await repository.git('config', '--unset', 'user.name');
    await repository.git('config', '--unset', 'user.email');
    await repository.git('config', 'user.useConfigOnly', 'true');
    await write('new.txt', 'new\n');
    const { commit } = await manager.checkpoint(worktree, 'x');
    expect(await repository.git('log', '-1', '--format=%an <%ae> %cn', commit)).toBe(
      'Orchestrator <orchestrator@localhost> Orchestrator',
    );
    expect(await manager.accept(worktree, 'merge', 'Merge')).toBe(await repository.git('rev-parse', 'main'));
  });

  test('is not moved by settings that sign, colour, convert or run something', async () => {
    for (const [key, value] of [
      ['commit.gpgSign', 'true'],
      ['color.ui', 'always'],
      ['core.autocrlf', 'input'],
      ['core.safecrlf', 'true'],
      ['diff.external', repository.markCommand('diff.external')],
      ['core.fsmonitor', repository.markCommand('fsmonitor')],
      ['diff.noprefix', 'true'],
    ] as const) {
      await repository.git('config', key, value);
    }
    await write('new.txt', 'new\r\n');
    const { changed } = await manager.checkpoint(worktree, 'x');
    expect(changed).toBe(true);
    expect(await manager.diff(worktree)).toMatch(/^diff --git a\/new\.txt b\/new\.txt\n/);
    expect(await repository.marks()).toBe('');
  });

  test('two at once make one commit', async () => {
    await write('new.txt', 'new\n');
    const both = await Promise.all([
      manager.checkpoint(worktree, 'x'),
      repository.manager().checkpoint(worktree, 'x'),
    ]);
    expect(both.map(({ changed }) => changed)).toEqual([true, false]);
    expect(await repository.git('rev-list', '--count', `main..${worktree.branch}`)).toBe('1');
  });
});

describe('restore', () => {
  test('goes back to exactly that commit, and what was there can be had again', async () => {
    await write('src/a.txt', 'first\n');
    const { commit } = await manager.checkpoint(worktree, 'First');
    await write('src/a.txt', 'second\n');
    await write('new/deep.txt', 'new\n');
    await write('build/out', 'ignored\n');
    await rm(join(worktree.path, 'readme.md'));

    const undone = await manager.restore(worktree, commit);
    expect(undone.toSorted()).toEqual(['new/deep.txt', 'readme.md', 'src/a.txt']);
    expect(await read('src/a.txt')).toBe('first\n');
    expect(await read('readme.md')).toBe('readme\n');
    expect(await read('build/out')).toBe('ignored\n');
    expect((await readdir(worktree.path)).toSorted()).toEqual([
      '.git',
      '.gitignore',
      'build',
      'readme.md',
      'src',
    ]);
    expect(await manager.changes(worktree)).toEqual([]);
    expect(await manager.head(worktree)).toBe(commit);
    expect(await repository.gitIn(worktree.path, 'status', '--porcelain')).toBe('');
    expect(await repository.git('show', `${salvaged(1)}:src/a.txt`)).toBe('second');
    expect(await repository.git('show', `${salvaged(1)}:new/deep.txt`)).toBe('new');
  });

  test('drops later commits from the branch, not from the world', async () => {
    await write('src/a.txt', 'first\n');
    const { commit } = await manager.checkpoint(worktree, 'First');
    expect(await manager.restore(worktree, worktree.baseCommit)).toEqual(['src/a.txt']);
    expect(await manager.head(worktree)).toBe(worktree.baseCommit);
    expect(await repository.git('rev-parse', salvaged(1))).toBe(commit);
    await write('x', 'x');
    await manager.restore(worktree, worktree.baseCommit);
    expect((await salvageRefs()).split('\n')).toEqual([salvaged(1), salvaged(2)]);
  });

  test('with nothing to undo salvages nothing', async () => {
    expect(await manager.restore(worktree, worktree.baseCommit)).toEqual([]);
    expect(await salvageRefs()).toBe('');
  });

  test('replaces a file that became a folder and a folder that became a link', async () => {
    await rm(join(worktree.path, 'readme.md'));
    await write('readme.md/inside', 'x');
    await rm(join(worktree.path, 'src'), { recursive: true });
    await symlink(repository.path, join(worktree.path, 'src'));
    await manager.restore(worktree, worktree.baseCommit);
    expect(await read('readme.md')).toBe('readme\n');
    expect(await read('src/a.txt')).toBe('a\n');
    expect(await repository.git('status', '--porcelain')).toBe('');
  });

  test('removes what only the undone ignore rules hid, and nothing of it goes into the repository', async () => {
    await write('.gitignore', '*.log\nbuild/\nmade/\n/.env\n');
    await write('made/deep/er/product.o', 'x'.repeat(100_000));
    await write('made/other.o', 'product');
    await write('src/made/more.o', 'product');
    await write('.env', 'SETTING=1');
    await write('noise.log', 'ignored before, too');
    await write('keep/noise.log', 'ignored before, too');
    expect(await manager.restore(worktree, worktree.baseCommit)).toEqual(['.gitignore']);
    expect(await manager.changes(worktree)).toEqual([]);
    expect((await readdir(worktree.path)).toSorted()).toEqual(
      [
        ...(await readdir(repository.path)).filter((name) => name !== '.git'),
        '.git',
        'keep',
        'noise.log',
      ].toSorted(),
    );
    expect(await readdir(join(worktree.path, 'src'))).toEqual(['a.txt']);
    expect(await repository.git('ls-tree', '-r', '--name-only', salvaged(1))).not.toContain('made');
  });

  test('refuses what is no commit of the repository', async () => {
    for (const commit of ['HEAD', '--hard', 'f'.repeat(40)]) {
      await expect(manager.restore(worktree, commit)).rejects.toMatchObject({ code: 'bad-input' });
    }
  });
});

describe('what is known of the work', () => {
  test.each([
    ['work that is not committed yet', 0],
    ['work on top of commits', 1],
    ['no more work', 2],
  ])('a summary is of %s too, and names both ends of a rename', async (_what, commits) => {
    const steps = [
      () => rename(join(worktree.path, 'readme.md'), join(worktree.path, 'README.md')),
      () => write('src/b.txt', 'b\n'),
    ];
    for (const [done, step] of steps.entries()) {
      await step();
      if (done < commits) await manager.checkpoint(worktree, 'Work');
    }
    const { files, stat } = await manager.summary(worktree, await manager.snapshot(worktree));
    expect(files).toEqual(['README.md', 'readme.md', 'src/b.txt']);
    expect(stat).toMatch(/readme\.md => README\.md +\| 0\n src\/b\.txt +\| 1 \+\n 2 files changed/);
  });

  test('diff and summary are of the commits since the base, not of the base’s own', async () => {
    await write('src/a.txt', 'b\n');
    await manager.checkpoint(worktree, 'First');
    await write('ü.txt', 'ü\n');
    await manager.checkpoint(worktree, 'Second');
    const snapshot = await manager.snapshot(worktree);
    await write('open.txt', 'not committed');
    await repository.commit('Elsewhere', { 'main.txt': 'main\n' });
    const diff = await manager.diff(worktree);
    expect(diff).toContain('\n-a\n+b\n');
    expect(diff).toContain('+++ b/ü.txt\n');
    expect(diff).not.toMatch(/open\.txt|main\.txt/);
    const { files, stat } = await manager.summary(worktree, snapshot);
    expect(files).toEqual(['src/a.txt', 'ü.txt']);
    expect(stat).toMatch(/ü\.txt +\| 1 \+\n 2 files changed/);
  });

  test('a file of the base is read from the base, through its links', async () => {
    await repository.write('big\nname', 'ü\n\n');
    await symlink('readme.md', join(repository.path, 'CLAUDE.md'));
    await symlink('/etc/passwd', join(repository.path, 'outside'));
    await repository.git('add', '--all');
    await repository.git('commit', '--quiet', '--message', 'More');
    const other = await manager.ensure({ ...request, taskId: '2a2b3c4d-0000-4000-8000-000000000001' });
    await manager.populate(other, { copyFiles: [] });
    await writeIn(other.path, 'readme.md', 'rewritten');
    expect(await manager.readBaseFile(other, 'CLAUDE.md')).toBe('readme\n');
    expect(await manager.readBaseFile(other, 'big\nname')).toBe('ü\n\n');
    for (const path of ['missing', 'src', 'outside', 'readme.md/x']) {
      expect(await manager.readBaseFile(other, path)).toBeNull();
    }
  });
});
