import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DomainEvent } from '../../../src/engine/domain/events.ts';
import { evolve } from '../../../src/engine/domain/evolve.ts';
import { type TaskId, taskIdOf } from '../../../src/engine/domain/ids.ts';
import { emptyState } from '../../../src/engine/domain/state.ts';
import { exportArchive } from '../../../src/engine/interop/exportArchive.ts';
import type { AuditRow } from '../../../src/engine/ports/store.ts';
import { create, everything, storage, write } from '../../support/exportedStorage.ts';
import { EngineOnStorage } from '../../support/importingEngine.ts';
import { openRawDatabase, temporaryDirectory } from '../../support/storeFixtures.ts';
import { boardId } from '../../support/vibeKanbanBoard.ts';

/** All that the database knows, without what belongs to the storage alone. */
async function contentsOf(directory: string): Promise<readonly unknown[]> {
  const database = await openRawDatabase(directory);
  try {
    return [
      'SELECT seq, at, hex(task_id), type, actor, cause, data, hex(hash) FROM orchestrator_audit ORDER BY seq',
      'SELECT hex(task_id), run_id, stage, version, digest, created_at FROM orchestrator_context ORDER BY task_id, stage, version',
      'SELECT digest, body FROM orchestrator_bundle ORDER BY digest',
      'SELECT hex(id), title, description, status, created_at FROM tasks ORDER BY id',
    ].map((sql) => database.all(sql));
  } finally {
    database.close();
  }
}

function replay(rows: readonly AuditRow[]) {
  return rows
    .map(({ type, taskId, at, data }) => ({ type, taskId, at, data }) as DomainEvent)
    .reduce(evolve, emptyState);
}

describe('an export, imported into an empty storage', () => {
  test('is there whole: ids, contexts, the very rows and hashes, and behind them one arrival for each task', async () => {
    const { of, directory } = await storage();
    const file = join(directory, 'all.jsonl');
    const summary = await write(of, file);
    expect(summary).toMatchObject({ tasks: 5, contexts: 6, bytes: statSync(file).size });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    of.close();
    const [rows, ...rest] = await contentsOf(directory);
    const target = await temporaryDirectory();
    const there = await EngineOnStorage.open(target);
    const result = await there.engine.importArchive(file);
    expect(result).toMatchObject({ imported: 5, known: 0, repositoryPath: '/repository' });
    expect(there.store.verifyAudit()).toEqual({ ok: true, rows: summary.rows + 5, firstBadRow: null });
    const arrivals = there.store.audit({ after: summary.rows, limit: 100 });
    expect(arrivals.map(({ type, actor, cause, at }) => [type, actor, cause, at])).toEqual(
      Array.from({ length: 5 }, () => ['task.moved-in', 'person', 'import', there.clock.now()]),
    );
    there.close();
    const [rowsThere, contextsThere, bundlesThere, tasksThere] = await contentsOf(target);
    expect((rowsThere as unknown[]).slice(0, summary.rows)).toEqual(rows);
    expect([contextsThere, bundlesThere]).toEqual(rest.slice(0, 2));
    // The status follows what the task does now: the runner of the old storage does not run here.
    const withoutStatus = (tasks: unknown): unknown =>
      (tasks as { status: string }[]).map((task) => ({ ...task, status: null }));
    expect(withoutStatus(tasksThere)).toEqual(withoutStatus(rest[2]));
  });

  test('comes to rest, in the state that its rows tell, and goes on when a person says so', async () => {
    const { of, directory } = await storage();
    const file = join(directory, 'all.jsonl');
    await write(of, file);
    const there = await EngineOnStorage.open(await temporaryDirectory());
    const told: string[] = [];
    there.service.subscribe((notice) => {
      if (notice.type === 'committed') told.push(...notice.tasks.map(({ id }) => id));
    });
    await there.engine.importArchive(file);
    expect(told.toSorted()).toEqual([1, 2, 3, 4, 5].map((number) => boardId(number)));
    const tasks = there.store.tasks({ limit: 10, offset: 0 });
    expect(Object.fromEntries(tasks.map(({ title, phase }) => [title, phase.type]))).toEqual({
      'Task 1': 'paused',
      'Task 2': 'paused',
      'Task 3': 'paused',
      'Task 4': 'cancelled',
      'Task 5': 'paused',
    });
    expect(there.effects.open.size).toBe(0);
    const replayed = replay(there.store.audit(everything));
    expect([...replayed.tasks.values()].toSorted(byId)).toEqual(tasks.toSorted(byId));
    expect(replayed.allocation.slots).toEqual(there.service.slots());

    const id = taskIdOf(boardId(1));
    expect(await there.service.dispatch({ type: 'resume', taskId: id })).toBeNull();
    expect([...there.effects.open.values()]).toMatchObject([{ type: 'prepare', taskId: id }]);
    expect(there.service.task(id)).toMatchObject({
      stage: 'implementation',
      runs: [{ status: 'completed' }, { status: 'cancelled' }],
    });
  });

  test('twice is once, and what went on there meanwhile stays out', async () => {
    const { of, directory } = await storage();
    const file = join(directory, 'all.jsonl');
    await write(of, file);
    const target = await temporaryDirectory();
    const there = await EngineOnStorage.open(target);
    await there.engine.importArchive(file);
    const rows = there.store.audit(everything);
    expect(await there.engine.importArchive(file)).toMatchObject({ imported: 0, known: 5, rows: null });
    await create(of, 6);
    await write(of, file);
    expect(await there.engine.importArchive(file)).toMatchObject({ imported: 1, known: 5 });
    expect(there.store.audit(everything).slice(0, rows.length)).toEqual(rows);
    expect(there.store.verifyAudit().ok).toBe(true);
    expect(there.store.tasks({ limit: 10, offset: 0 })).toHaveLength(6);
    // An engine that opens it afterwards finds what this one has.
    const open = there.service.openTasks().toSorted(byId);
    there.close();
    expect((await EngineOnStorage.open(target)).service.openTasks().toSorted(byId)).toEqual(open);
  });
});

test('into a storage with tasks of its own the chain goes on, and those are left alone', async () => {
  const { of, directory } = await storage();
  const file = join(directory, 'all.jsonl');
  const { rows } = await write(of, file);
  const there = await EngineOnStorage.open(await temporaryDirectory());
  const own = await create(there, 77, 'Ours');
  const before = there.store.audit(everything);
  const [task] = [there.service.task(own)];
  await there.engine.importArchive(file);
  expect(there.service.task(own)).toEqual(task);
  const after = there.store.audit(everything);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(
    after.slice(before.length, before.length + rows).map(({ type, at, data }) => ({ type, at, data })),
  ).toEqual(of.store.audit(everything).map(({ type, at, data }) => ({ type, at, data })));
  expect(there.store.verifyAudit().ok).toBe(true);
  expect(there.service.slots()[8081]).toMatchObject({ type: 'leased', taskId: own });
});

test('what was exported may be exported again, from there', async () => {
  const { of, directory } = await storage();
  const first = join(directory, 'first.jsonl');
  const second = join(directory, 'second.jsonl');
  await write(of, first);
  const there = await EngineOnStorage.open(await temporaryDirectory());
  await there.engine.importArchive(first);
  await write(there, second);
  const third = await EngineOnStorage.open(await temporaryDirectory());
  expect(await third.engine.importArchive(second)).toMatchObject({ imported: 5 });
  expect(third.store.verifyAudit().ok).toBe(true);
});

test('an engine that goes on during the export is exported at one moment', async () => {
  const { of, directory } = await storage();
  const file = join(directory, 'all.jsonl');
  let moved = 0;
  // After each of the first readings of a task something happens: a task comes, one moves.
  const records = {
    ...of.engine.records,
    bundles: async (id: TaskId) => {
      const found = await of.engine.records.bundles(id);
      moved += 1;
      if (moved === 1) await of.service.dispatch({ type: 'cancel', taskId: taskIdOf(boardId(2)) });
      if (moved === 3) await create(of, 9);
      if (moved === 7) await of.service.dispatch({ type: 'cancel', taskId: taskIdOf(boardId(9)) });
      return found;
    },
  };
  await exportArchive(file, {
    records,
    repository: { path: '/repository', name: 'Repository' },
    now: 0,
    interrupted: new AbortController().signal,
  });
  const there = await EngineOnStorage.open(await temporaryDirectory());
  await there.engine.importArchive(file);
  const tasks = there.store.tasks({ limit: 10, offset: 0 });
  expect(tasks).toHaveLength(6);
  expect([...replay(there.store.audit(everything)).tasks.values()].toSorted(byId)).toEqual(
    tasks.toSorted(byId),
  );
});

describe('an export that cannot be finished leaves nothing behind', () => {
  test('when a person interrupts it', async () => {
    const { of, directory } = await storage();
    const folder = join(directory, 'out');
    mkdirSync(folder);
    writeFileSync(join(folder, 'all.jsonl'), 'the one of yesterday');
    const interrupted = AbortSignal.abort();
    await expect(write(of, join(folder, 'all.jsonl'), interrupted)).rejects.toThrow('aborted');
    expect(readdirSync(folder)).toEqual(['all.jsonl']);
    expect(readFileSync(join(folder, 'all.jsonl'), 'utf8')).toBe('the one of yesterday');
  });

  test('when the folder is not there', async () => {
    const { of, directory } = await storage();
    await expect(write(of, join(directory, 'nowhere', 'all.jsonl'))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('cannot be written'),
    });
  });
});

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
