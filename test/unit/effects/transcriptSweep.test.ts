import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { TaskId } from '../../../src/engine/domain/ids.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { RunPaths } from '../../../src/engine/effects/runPaths.ts';
import { TranscriptSweep } from '../../../src/engine/effects/transcriptSweep.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { SteppedClock } from '../../support/steppedClock.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { idOf, noon, taskIn } from '../../support/viewTasks.ts';

const day = 24 * 60 * 60_000;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A storage with transcripts of these tasks, swept on the day after `days`. */
async function scene(tasks: readonly Task[], days: number | null, now: number, held: readonly TaskId[] = []) {
  const paths = new RunPaths(await temporaryDirectory());
  for (const { id } of tasks)
    for (const folder of [join(paths.ofTask(id), 'qa-1'), paths.startsOf(id)]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'stdout.jsonl'), 'words\n');
    }
  const clock = new SteppedClock(now);
  const sweep = new TranscriptSweep(
    {
      paths,
      clock,
      logger: silentLogger,
      store: { task: (id) => Promise.resolve(tasks.find((task) => task.id === id) ?? null) },
      isHeld: (id) => held.includes(id),
    },
    days,
  );
  const left = async (): Promise<readonly string[]> => {
    const there = await Promise.all(tasks.map(({ id }) => exists(paths.ofTask(id))));
    return tasks.filter((_, index) => there[index]).map(({ title }) => title);
  };
  return { paths, clock, sweep, left };
}

const ended = (number: number, at: number) => taskIn('done', number, { updatedAt: at });

test('what ended long enough ago goes, with how its runs began; nothing unfinished or younger does', async () => {
  const tasks = [
    ended(1, noon),
    taskIn('cancelled', 2, { updatedAt: noon }),
    ended(3, noon + 2 * day),
    taskIn('completed', 4, { updatedAt: noon }),
    taskIn('paused', 5, { updatedAt: noon }),
    ended(6, noon),
  ];
  // Of the sixth something is still to be done: its container goes, say.
  const { sweep, left, paths } = await scene(tasks, 30, noon + 31 * day, [idOf(6)]);
  await sweep.start();
  await sweep.close();
  expect(await left()).toEqual(['Task 3', 'Task 4', 'Task 5', 'Task 6']);
  expect(await exists(paths.startsOf(idOf(1)))).toBe(false);
  expect(await exists(paths.startsOf(idOf(4)))).toBe(true);
});

test('it is looked at again each day', async () => {
  const { sweep, left, clock } = await scene([ended(1, noon)], 2, noon + day);
  await sweep.start();
  clock.set(noon + 2 * day);
  expect(await left()).toEqual(['Task 1']);
  clock.set(noon + 3 * day);
  await vi.waitFor(async () => expect(await left()).toEqual([]));
  await sweep.close();
});

test('another number of days counts at once; none keeps everything', async () => {
  const { sweep, left } = await scene([ended(1, noon)], null, noon + 1_000 * day);
  await sweep.start();
  await sweep.close();
  expect(await left()).toEqual(['Task 1']);

  const changed = await scene([ended(1, noon)], null, noon + 1_000 * day);
  await changed.sweep.start();
  changed.sweep.keep(90);
  await vi.waitFor(async () => expect(await changed.left()).toEqual([]));
  await changed.sweep.close();
});

test('what is no task of the storage is left alone, and so is everything after closing', async () => {
  const { sweep, left, paths, clock } = await scene([ended(1, noon)], 1, noon);
  const strange = [join(paths.all, 'notes'), join(paths.all, idOf(9))];
  for (const path of strange) await mkdir(path);
  await sweep.start();
  await sweep.close();
  clock.set(noon + 100 * day);
  sweep.keep(2);
  await sweep.close();
  expect(await left()).toEqual(['Task 1']);

  const again = await scene([ended(1, noon)], 1, noon + 100 * day);
  for (const path of [join(again.paths.all, 'notes'), join(again.paths.all, idOf(9))]) await mkdir(path);
  await again.sweep.start();
  await again.sweep.close();
  expect(await again.left()).toEqual([]);
  expect(await exists(join(again.paths.all, 'notes'))).toBe(true);
  expect(await exists(join(again.paths.all, idOf(9)))).toBe(true);
});
