import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { taskIdOf } from '../../src/engine/domain/ids.ts';
import type { Phase, Task } from '../../src/engine/domain/task.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { queuedEvent, queuedTask, transitionOf, wasmPath } from './storeFixtures.ts';

/** Of one transaction: fewer, and each writes its own pages. */
const batchSize = 1_000;

/** `count` tasks that are over or wait for a review, as years of work leave them, the newest last: `Task 00001` and so on. */
export function manyTasks(count: number): readonly Task[] {
  const firstAt = 1_700_000_000_000;
  return Array.from({ length: count }, (_, index) => {
    const at = firstAt + index * 60_000;
    const phase: Phase = index % 10 === 0 ? { type: 'completed' } : { type: 'done', strategy: 'squash' };
    return queuedTask({
      id: taskIdOf(randomUUID()),
      title: `Task ${String(index + 1).padStart(5, '0')}`,
      stage: 'qa',
      phase,
      createdAt: at,
      updatedAt: at,
    });
  });
}

/** Puts them into a storage that nobody holds. */
export async function seedTasks(storage: string, repository: string, tasks: readonly Task[]): Promise<void> {
  await mkdir(storage, { recursive: true });
  const store = await SqlStore.open({
    directory: storage,
    repositoryPath: repository,
    projectName: basename(repository),
    wasmPath,
  });
  try {
    for (let from = 0; from < tasks.length; from += batchSize) {
      const batch = tasks.slice(from, from + batchSize);
      const [first] = batch;
      if (first === undefined) return;
      const events = batch.map(({ id, updatedAt }) => queuedEvent(id, updatedAt));
      store.commit(transitionOf(first, { events, tasks: batch }));
    }
  } finally {
    store.close();
  }
}
