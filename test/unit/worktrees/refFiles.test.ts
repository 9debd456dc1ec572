import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refByFiles } from '../../../src/engine/worktrees/refFiles.ts';
import { GitRepository } from '../../support/gitRepository.ts';

const run = promisify(execFile);

let repository: GitRepository;

beforeEach(async () => {
  repository = await GitRepository.create();
});

afterEach(() => repository.remove());

const ref = 'refs/heads/a/b';

describe('what the files say of a ref', () => {
  test.each([
    ['a new one', 'git branch a/b', 'there'],
    ['a packed one', 'git branch a/b; git pack-refs --all', 'there'],
    [
      'one that was moved since it was packed',
      'git branch a/b; git pack-refs --all; git commit --allow-empty -qm x; git branch -f a/b',
      'there',
    ],
    ['one that was never there', 'true', 'absent'],
    ['one that was removed', 'git branch a/b; git pack-refs --all; git branch -D a/b', 'absent'],
    ['one below which others are', 'git branch a/b/c', 'absent'],
    ['one below which others are packed', 'git branch a/b/c; git pack-refs --all', 'absent'],
    ['one below another', 'git branch a', 'absent'],
    ['one of which another is the end', 'git update-ref refs/x/refs/heads/a/b HEAD', 'absent'],
    ['a symbolic one', 'git symbolic-ref refs/heads/a/b refs/heads/main', 'unknown'],
    ['a broken one', 'mkdir .git/refs/heads/a; echo x >.git/refs/heads/a/b', 'unknown'],
    ['one among broken packed ones', 'echo "x refs/heads/a/b" >.git/packed-refs', 'unknown'],
    ['one in a table', 'mkdir .git/reftable', 'unknown'],
    [
      'one that is kept elsewhere',
      'git config core.repositoryFormatVersion 1; git config extensions.refStorage files',
      'unknown',
    ],
  ])('of %s agrees with git, or leaves it to git', async (_which, script, said) => {
    await run('sh', ['-ec', script], { cwd: repository.path });
    const told = await refByFiles(join(repository.path, '.git'), ref);
    if (said === 'unknown') {
      expect(told).toBeUndefined();
      return;
    }
    const byGit = await repository.git('rev-parse', '--verify', '--quiet', ref).catch(() => null);
    expect([told, byGit === null]).toEqual([byGit, said === 'absent']);
  });

  test('never leads out of the folder of refs', async () => {
    const commit = await repository.git('rev-parse', 'HEAD');
    await repository.write('.git/elsewhere', `${commit}\n`);
    expect(await refByFiles(join(repository.path, '.git'), 'refs/../elsewhere')).toBeUndefined();
  });
});
