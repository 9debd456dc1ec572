import * as fc from 'fast-check';
import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Snapshot, Worktree, WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository } from '../support/gitRepository.ts';

const path = fc.constantFrom(
  'readme.md',
  'src/a.txt',
  'src/b.txt',
  'src',
  'new/deep/c.txt',
  'x.log',
  'build/out',
  '.env',
);

/** Some of the same length: changes that a file's size does not tell. */
const text = fc.constantFrom('a\n', 'b\n', 'readme\n', 'eadmer\n', '');

const rules = fc.constantFrom('', '*.log\nbuild/\n', '*.txt\n', 'src\nnew\n');

const changes = {
  write: async (at: string, content: string) => {
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, content);
  },
  remove: (at: string) => rm(at, { recursive: true }),
  replace: async (at: string, content: string) => {
    await rm(at, { recursive: true });
    await writeFile(at, content);
  },
  touch: (at: string) => utimes(at, 1_000_000_000, 1_000_000_000),
  execute: (at: string) => chmod(at, 0o755),
  link: async (at: string) => {
    await rm(at, { recursive: true, force: true });
    await symlink('readme.md', at);
  },
  move: (at: string) => rename(at, `${at}.moved`),
} as const;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom(...(Object.keys(changes) as (keyof typeof changes)[])),
      path,
      text,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('ignore' as const), text: rules }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(...(['look', 'look', 'checkpoint', 'restore', 'own commit'] as const)),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

describe('a look at a worktree', () => {
  it('tells the same as one that knows of no look before, whatever happened in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const repository = await GitRepository.create();
        try {
          await repository.write('.env', 'SECRET=1\n');
          const manager = repository.manager();
          const worktree = await manager.ensure({
            taskId: '1a2b3c4d-0000-4000-8000-000000000001',
            title: 'T',
            baseBranch: null,
          });
          await manager.populate(worktree, { copyFiles: ['.env'] });
          for (const each of [...steps, { type: 'look' } as const])
            await take(each, repository, manager, worktree);
        } finally {
          await repository.remove();
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

async function take(
  each: Step,
  repository: GitRepository,
  manager: WorktreeManager,
  worktree: Worktree,
): Promise<void> {
  switch (each.type) {
    case 'look':
      expect(await manager.snapshot(worktree)).toEqual(await freshLook(repository, worktree));
      return;
    case 'checkpoint':
      await manager.checkpoint(worktree, 'Work');
      return;
    case 'restore':
      await manager.restore(worktree, worktree.baseCommit);
      return;
    case 'own commit':
      await repository.gitIn(worktree.path, 'add', '--all', '--force');
      await repository.gitIn(worktree.path, 'commit', '--quiet', '--allow-empty', '--message', 'Own');
      return;
    case 'ignore':
      await writeFile(join(worktree.path, '.gitignore'), each.text);
      return;
    default:
      // What cannot be done, as there is no such file, is no change.
      await changes[each.type](join(worktree.path, each.path), each.text).catch(() => undefined);
  }
}

/** By git alone, with an index of its own that is made anew. */
async function freshLook(repository: GitRepository, worktree: Worktree): Promise<Snapshot> {
  const index = join(repository.root, 'fresh-index');
  await rm(index, { force: true });
  const git = (...args: readonly string[]) =>
    repository.gitAs({ GIT_INDEX_FILE: index }, worktree.path, ...args);
  const tip = await git('rev-parse', worktree.branch);
  await git('read-tree', tip);
  await git('update-index', '--force-remove', '.env');
  await git('add', '--all', '--', '.', ':(exclude,literal).env').catch((error: { readonly code: number }) =>
    expect(error.code).toBe(1),
  );
  const status = await git('diff-index', '--cached', '-z', '--no-renames', '--name-status', tip);
  const fields = status.split('\0').slice(0, -1);
  const kinds = { A: 'added', D: 'deleted' } as Readonly<Record<string, 'added' | 'deleted'>>;
  const found = fields.flatMap((kind, at) =>
    at % 2 === 0 ? [{ kind: kinds[kind] ?? ('modified' as const), path: fields[at + 1] ?? '' }] : [],
  );
  return { tip, tree: found.length === 0 ? tip : await git('write-tree'), changes: found };
}
