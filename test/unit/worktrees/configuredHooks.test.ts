import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Git } from '../../../src/engine/worktrees/git.ts';
import type { WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository, taskWorktree, writeIn } from '../../support/gitRepository.ts';

const version = execFileSync('git', ['version'], { encoding: 'utf8' });
const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
const gitRunsThem = major > 2 || (major === 2 && minor >= 54);

let repository: GitRepository;
let manager: WorktreeManager;

beforeEach(async () => {
  repository = await GitRepository.create();
  manager = repository.manager();
  vi.stubEnv('HOME', join(repository.root, 'home'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await repository.remove();
});

/** What any of our git commands takes a hook of this name for; null for one that nobody named. */
async function enabled(name: string, gitDir: string, workTree: string): Promise<string | null> {
  const { exitCode, stdout } = await new Git({ gitDir, workTree }).ask(
    ['config', '--type=bool', '--get', `hook.${name}.enabled`],
    { answers: [0, 1] },
  );
  return exitCode === 0 ? stdout.trim() : null;
}

const enabledInRepository = (name: string) => enabled(name, join(repository.path, '.git'), repository.path);

describe('hooks that settings name', () => {
  test('are off by name, those of the person too, and as soon as there are any', async () => {
    expect(await enabledInRepository('x')).toBeNull();
    await repository.git('config', 'hook.x.command', 'true');
    await repository.git('config', 'hook.a=b.c.enabled', 'true');
    await writeFile(join(repository.root, 'home/.gitconfig'), '[hook "mine"]\n\tcommand = true\n');
    expect(await enabledInRepository('x')).toBe('false');
    expect(await enabledInRepository('a=b.c')).toBe('false');
    expect(await enabledInRepository('mine')).toBe('false');
    await repository.git('config', 'hook.y.command', 'true');
    expect(await enabledInRepository('y')).toBe('false');
  });

  test('are off in a file that another includes, also after that one changed', async () => {
    await repository.git('config', 'include.path', 'more');
    const more = join(repository.path, '.git/more');
    for (const name of ['x', 'y']) {
      await repository.git('config', '--file', more, `hook.${name}.command`, 'true');
      expect(await enabledInRepository(name)).toBe('false');
    }
  });

  test('are off in the worktree’s own settings', async () => {
    const worktree = await taskWorktree(manager);
    await repository.git('config', 'extensions.worktreeConfig', 'true');
    await repository.gitIn(worktree.path, 'config', '--worktree', 'hook.x.command', 'true');
    expect(await enabled('x', worktree.adminDir, worktree.path)).toBe('false');
  });

  test('do not run from the first checkout to the merge', async () => {
    for (const event of ['reference-transaction', 'post-index-change', 'post-checkout', 'post-merge']) {
      await repository.git('config', `hook.on-${event}.event`, event);
      await repository.git('config', `hook.on-${event}.command`, repository.markCommand(event));
    }
    const worktree = await taskWorktree(manager);
    await writeIn(worktree.path, 'new.txt', 'new\n');
    await manager.checkpoint(worktree, 'Work');
    await manager.accept(worktree, 'squash', 'Work');
    expect(await repository.marks()).toBe('');
    await repository.git('update-ref', 'refs/heads/other', 'HEAD').catch(() => undefined);
    // Of a git that is asked without us: whether it is one that runs them.
    expect((await repository.marks()).includes('reference-transaction')).toBe(gitRunsThem);
  });
});
