import { expect, test, vi } from 'vitest';
import { emptyAllocation } from '../../../../src/engine/domain/allocation.ts';
import type { Task } from '../../../../src/engine/domain/task.ts';
import type { FileChange } from '../../../../src/engine/worktrees/commits.ts';
import { ChangeDecorations } from '../../../../src/extension/review/changeDecorations.ts';
import { EventEmitter, Uri } from '../../../support/fakeVscode.ts';
import { taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

const worktreeOf = (name: string): NonNullable<Task['worktree']> => ({
  path: `/w/${name}`,
  branch: `orchestrator/${name}`,
  baseBranch: 'main',
  baseCommit: 'c',
});

/** Decorations of tasks whose commits changed these files. */
function decorated(changes: Readonly<Record<string, readonly FileChange[]>>): {
  readonly decorations: ChangeDecorations;
  readonly at: (
    path: string,
  ) => { readonly badge: string | undefined; readonly tooltip: string | undefined } | null;
  readonly errors: unknown[];
} {
  const errors: unknown[] = [];
  const decorations = new ChangeDecorations({
    tasks: {
      all: () => [],
      get: () => undefined,
      slots: () => emptyAllocation.slots,
      onDidChange: new EventEmitter<readonly Task[]>().event,
    },
    changesOf: (task) => {
      const files = changes[task.commit ?? ''];
      return files === undefined ? Promise.reject(new Error('no such commit')) : Promise.resolve(files);
    },
    checkout: () => '/r',
    report: (error) => errors.push(error),
  });
  const at = (
    path: string,
  ): { readonly badge: string | undefined; readonly tooltip: string | undefined } | null => {
    const found = decorations.provideFileDecoration(Uri.file(path) as never);
    return found === undefined ? null : { badge: found.badge, tooltip: found.tooltip };
  };
  return { decorations, at, errors };
}

test('marks what a task changed, in its worktree and in the checkout, until the task is over', async () => {
  const { decorations, at } = decorated({ one: [{ path: 'src/a.ts', kind: 'modified' }] });
  const task = taskIn('completed', 1, { title: 'Slug it', worktree: worktreeOf('slug'), commit: 'one' });
  decorations.update([task]);
  const mark = { badge: 'M', tooltip: 'Changed by the task "Slug it", on its branch' };
  await vi.waitFor(() => expect(at('/r/src/a.ts')).toEqual(mark));
  expect(at('/w/slug/src/a.ts')).toEqual(mark);
  expect(at('/r/src/b.ts')).toBeNull();
  decorations.update([{ ...task, phase: { type: 'cancelled' } }]);
  expect(at('/r/src/a.ts')).toBeNull();
});

test('counts the tasks of a file that several change, and names them', async () => {
  const { decorations, at } = decorated({
    one: [{ path: 'a.ts', kind: 'modified' }],
    two: [{ path: 'a.ts', kind: 'deleted' }],
  });
  decorations.update([
    taskIn('completed', 1, { title: 'First', worktree: worktreeOf('first'), commit: 'one' }),
    taskIn('completed', 2, { title: 'Second', worktree: worktreeOf('second'), commit: 'two' }),
  ]);
  await vi.waitFor(() => expect(at('/r/a.ts')?.badge).toBe('2'));
  expect(at('/r/a.ts')?.tooltip).toContain('First');
  expect(at('/r/a.ts')?.tooltip).toContain('Deleted by the task "Second"');
});

test('follows a task’s newer commit, and tells of one that cannot be read', async () => {
  const { decorations, at, errors } = decorated({
    one: [{ path: 'a.ts', kind: 'added' }],
    two: [{ path: 'b.ts', kind: 'added' }],
  });
  const task = taskIn('completed', 1, { worktree: worktreeOf('slug'), commit: 'one' });
  decorations.update([task]);
  decorations.update([{ ...task, commit: 'two' }]);
  await vi.waitFor(() => expect(at('/r/b.ts')?.badge).toBe('A'));
  expect(at('/r/a.ts')).toBeNull();
  decorations.update([{ ...task, commit: 'gone' }]);
  await vi.waitFor(() => expect(errors).toHaveLength(1));
});
