import { expect, test } from 'vitest';
import { emptyAllocation } from '../../../src/engine/domain/allocation.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { TaskList } from '../../../src/engine/inspection/taskList.ts';
import { queuedTask } from '../../support/storeFixtures.ts';

const { slots } = emptyAllocation;

/** Pages of these tasks; calls back before each page is handed out. */
function recordsOf(tasks: readonly Task[], beforePage: (offset: number) => void = () => {}) {
  return {
    tasks: ({ limit, offset }: { readonly limit: number; readonly offset: number }) => {
      const page = tasks.slice(offset, offset + limit);
      beforePage(offset);
      return Promise.resolve(page);
    },
  };
}

test('all pages are read, newest first', async () => {
  const tasks = Array.from({ length: 1_201 }, (_, index) => queuedTask({ createdAt: 5_000 - index }));
  const list = new TaskList();
  await list.load(recordsOf(tasks), slots);
  expect(list.all()).toEqual(tasks);
});

test('what a notice said during the reading is newer than the page', async () => {
  const stale = queuedTask();
  const fresh: Task = { ...stale, phase: { type: 'paused' } };
  const list = new TaskList();
  const records = recordsOf([stale], () =>
    list.apply({ type: 'committed', rows: [], tasks: [fresh], slots }),
  );
  await list.load(records, slots);
  expect(list.get(stale.id)).toBe(fresh);
});

test('a task that changes keeps its place, and a new one comes first', async () => {
  const older = queuedTask({ createdAt: 1 });
  const newer = queuedTask({ createdAt: 2 });
  const list = new TaskList();
  await list.load(recordsOf([newer, older]), slots);
  expect(list.all()).toEqual([newer, older]);
  const paused: Task = { ...older, phase: { type: 'paused' } };
  const newest = queuedTask({ createdAt: 3 });
  list.apply({ type: 'committed', rows: [], tasks: [paused], slots });
  expect(list.all()).toEqual([newer, paused]);
  list.apply({ type: 'committed', rows: [], tasks: [newest], slots });
  expect(list.all()).toEqual([newest, newer, paused]);
});

test('until a reading is over the list is what it was before', async () => {
  const before = queuedTask();
  const list = new TaskList();
  await list.load(recordsOf([before]), slots);
  const seen: (readonly Task[])[] = [];
  await list.load(
    recordsOf([queuedTask()], () => seen.push(list.all())),
    slots,
  );
  expect(seen).toEqual([[before]]);
});
