import { execFile } from 'node:child_process';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, taskWorktree, writeIn } from '../../support/gitRepository.ts';

const run = promisify(execFile);

let repository: GitRepository;
let manager: WorktreeManager;

beforeEach(async () => {
  repository = await GitRepository.create();
  await repository.commit('Attributes', { '.gitattributes': '*.txt filter=a=b merge=evil\n', 'b.md': 'b\n' });
  manager = repository.manager();
});

afterEach(() => repository.remove());

describe('programs that the repository’s own configuration names', () => {
  test('are run neither at a checkout, a checkpoint, a restore nor a merge', async () => {
    const config = (key: string, value: string) => repository.git('config', key, value);
    for (const part of ['clean', 'smudge', 'process'])
      await config(`filter.a=b.${part}`, repository.markCommand(part));
    await config('filter.a=b.required', 'true');
    await config('merge.evil.driver', repository.markCommand('merge'));
    const worktree = await taskWorktree(manager);
    expect(await readFile(join(worktree.path, 'src/a.txt'), 'utf8')).toBe('a\n');
    await writeIn(worktree.path, 'src/a.txt', 'changed\n');
    await manager.restore(worktree, worktree.baseCommit);
    await writeIn(worktree.path, 'src/a.txt', 'changed\n');
    await writeIn(worktree.path, 'b.md', 'changed\n');
    await manager.checkpoint(worktree, 'Work');
    await expect(manager.accept(worktree, 'squash', 'Work')).rejects.toMatchObject({
      code: 'merge-conflict',
      message: expect.stringContaining('src/a.txt passes the filter a=b'),
      remedy: expect.stringContaining('--global'),
    });
    expect(await repository.marks()).toBe('');
  });

  test('do not keep work from being accepted that they have no part in', async () => {
    await repository.git('config', 'filter.a=b.smudge', repository.markCommand('smudge'));
    const worktree = await taskWorktree(manager);
    await writeIn(worktree.path, 'b.md', 'changed\n');
    await manager.checkpoint(worktree, 'Work');
    await manager.accept(worktree, 'squash', 'Work');
    expect(await repository.read('b.md')).toBe('changed\n');
    expect(await repository.marks()).toBe('');
  });

  test.each([
    ['in capitals', 'printf \'[FILTER "x"]\\n\\tclean = %s\\n\' "$1" >>.git/config'],
    ['in the old spelling', 'printf \'[filter.x]\\n\\tclean = %s\\n\' "$1" >>.git/config'],
    [
      'in a file that another includes',
      'printf \'[Filter "x"]\\n\\tclean = %s\\n\' "$1" >.git/more; printf \'[Include]\\n\\tpath = more\\n\' >>.git/config',
    ],
    [
      'in a file that it includes on a condition',
      'printf \'[filter "x"]\\n\\tclean = %s\\n\' "$1" >.git/more; printf \'[includeIf "gitdir:/"]\\n\\tpath = %s\\n\' "$PWD/.git/more" >>.git/config',
    ],
    [
      'in the worktree’s own settings',
      'git config extensions.worktreeConfig true; git -C "$2" config --worktree filter.x.clean "$1"',
    ],
    [
      'in another repository that the worktree was put to',
      'cp -R .git ../planted; printf \'[filter "x"]\\n\\tclean = %s\\n\' "$1" >>../planted/config; printf "%s\\n" "$(cd ../planted && pwd)" >"$3/commondir"',
    ],
    [
      'in another repository that a link in the place of git’s entry leads to',
      'cp -R .git ../planted; printf \'[filter "x"]\\n\\tclean = %s\\n\' "$1" >>../planted/config; name=$(basename "$3"); rm -r "$3"; ln -s "$(cd ../planted && pwd)/worktrees/$name" "$3"',
    ],
  ])('are not run where they stand %s', async (_where, script) => {
    const worktree = await taskWorktree(manager);
    const evil = join(repository.root, 'evil');
    await writeFile(evil, `#!/bin/sh\n${repository.markCommand('clean')}\n`, { mode: 0o755 });
    await run('sh', ['-ec', script, 'sh', evil, worktree.path, worktree.adminDir], { cwd: repository.path });
    await writeIn(worktree.path, '.gitattributes', '*.txt filter=x\n');
    await writeIn(worktree.path, 'src/a.txt', 'changed\n');
    expect(await manager.changes(worktree)).toHaveLength(2);
    expect(await repository.marks()).toBe('');
    await repository.gitIn(worktree.path, 'add', '--all').catch(() => undefined);
    expect(await repository.marks()).toBe('clean\n');
  });

  test('are run where the person’s own settings name them too', async () => {
    const home = join(repository.root, 'home');
    const earlier = process.env['HOME'];
    process.env['HOME'] = home;
    try {
      await writeFile(join(home, '.gitconfig'), '[filter "a=b"]\n\tsmudge = tr a-z A-Z\n');
      await repository.git('config', 'filter.a=b.smudge', repository.markCommand('smudge'));
      const worktree = await taskWorktree(manager);
      expect(await readFile(join(worktree.path, 'src/a.txt'), 'utf8')).toBe('A\n');
      expect(await repository.marks()).toBe('');
    } finally {
      process.env['HOME'] = earlier;
    }
  });
});

test('an object that is missing is not fetched by a program that the repository names', async () => {
  const blob = await repository.git('rev-parse', 'HEAD:src/a.txt');
  const evil = join(repository.root, 'evil');
  await writeFile(evil, `#!/bin/sh\n${repository.markCommand('fetch')}\n`);
  await chmod(evil, 0o755);
  await repository.git('config', 'core.repositoryFormatVersion', '1');
  await repository.git('config', 'extensions.partialClone', 'origin');
  await repository.git('config', 'remote.origin.promisor', 'true');
  await repository.git('config', 'remote.origin.url', 'ssh://example.com/x.git');
  await repository.git('config', 'core.sshCommand', evil);
  await rm(join(repository.path, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  await expect(taskWorktree(manager)).rejects.toMatchObject({ code: 'environment' });
  expect(await repository.marks()).toBe('');
});
