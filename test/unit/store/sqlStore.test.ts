import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptyAllocation } from '../../../src/engine/domain/allocation.ts';
import type { Allocation } from '../../../src/engine/domain/allocation.ts';
import type { Effect } from '../../../src/engine/domain/effects.ts';
import { leaseIdOf, runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type { Transition } from '../../../src/engine/ports/store.ts';
import {
  bundleOf,
  openRawDatabase,
  openTestStore,
  queuedEvent,
  queuedTask,
  runningTask,
  temporaryDirectory,
  transitionOf,
} from '../../support/storeFixtures.ts';

describe('a committed transition', () => {
  test('comes back whole after a reopen', async () => {
    const directory = await temporaryDirectory();
    const task = runningTask();
    const allocation: Allocation = {
      slots: {
        8081: { type: 'leased', leaseId: leaseIdOf(8081, 7), taskId: task.id, idleSince: null },
        8082: { type: 'blocked', holder: 'postgres', until: 5 },
        8083: { type: 'releasing', leaseId: leaseIdOf(8083, 6), taskId: task.id },
      },
      generation: 7,
      executing: [task.id],
    };
    const effects: Effect[] = [
      { type: 'wait', key: 'b', taskId: task.id, until: 9 },
      { type: 'prepare', key: 'a', taskId: task.id, leaseId: leaseIdOf(8081, 7), port: 8081 },
      { type: 'stop', key: 'c', taskId: task.id, leaseId: leaseIdOf(8081, 7), runId: null },
    ];
    const store = await openTestStore(directory);
    store.commit(transitionOf(task, { allocation, effects }));
    store.close();

    const again = await openTestStore(directory);
    expect(again.load()).toEqual({ tasks: [task], allocation, effects, lastSeq: 1, lastAt: task.updatedAt });
    expect(again.task(task.id)).toEqual(task);
  });

  test('returns its events as audit rows, numbered without a gap across transitions', async () => {
    const store = await openTestStore(await temporaryDirectory());
    const task = queuedTask();
    const first = store.commit(
      transitionOf(task, { events: [queuedEvent(task.id, 1), queuedEvent(task.id, 2)] }),
    );
    const second = store.commit(
      transitionOf(task, { actor: 'engine', cause: 'admit', events: [queuedEvent(task.id, 3)] }),
    );
    expect([...first, ...second].map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(second[0]).toEqual({
      seq: 3,
      at: 3,
      taskId: task.id,
      type: 'task.queued',
      actor: 'engine',
      cause: 'admit',
      data: { stage: 'specification', reason: 'created' },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(store.audit({ after: 0, limit: 10 })).toEqual([...first, ...second]);
    expect(store.audit({ after: 1, limit: 1 })).toEqual([first[1]]);
    expect(store.audit({ taskId: queuedTask().id, after: 0, limit: 10 })).toEqual([]);
    expect(store.audit({ taskId: task.id, after: 2, limit: 10 })).toEqual(second);
  });

  test('leaves nothing behind when a part of it is refused', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    store.commit(transitionOf(task));
    const before = store.load();
    const wrong = { ...bundleOf(task.id, 'body'), body: 'another body' };
    expect(() => store.commit(transitionOf({ ...task, title: 'New' }, { bundles: [wrong] }))).toThrow(
      'digest',
    );
    expect(store.load()).toEqual(before);
    store.commit(transitionOf(task));
    expect(store.verifyAudit()).toEqual({ ok: true, rows: 2, firstBadRow: null });
  });

  test('writes who may execute when that changes, also after a transition that was refused', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    const wrong = { ...bundleOf(task.id, 'body'), body: 'another body' };
    const at = (generation: number): Partial<Transition> => ({
      allocation: { ...emptyAllocation, generation },
    });
    store.commit(transitionOf(task, at(1)));
    store.commit(transitionOf(task, at(1)));
    expect(() => store.commit(transitionOf(task, { ...at(2), bundles: [wrong] }))).toThrow('digest');
    expect(store.load().allocation.generation).toBe(1);
    store.commit(transitionOf(task, at(2)));
    expect(store.load().allocation.generation).toBe(2);
    store.commit(transitionOf(task, at(1)));
    store.close();
    expect((await openTestStore(directory)).load().allocation.generation).toBe(1);
  });

  test('keeps an effect until it is settled, and takes it anew under the same key', async () => {
    const store = await openTestStore(await temporaryDirectory());
    const task = queuedTask();
    const wait = (key: string, until: number): Effect => ({ type: 'wait', key, taskId: task.id, until });
    store.commit(transitionOf(task, { effects: [wait('w', 1), wait('x', 2)] }));
    expect(store.load().effects).toEqual([wait('w', 1), wait('x', 2)]);
    store.commit(transitionOf(task, { settled: ['w', 'unknown'], effects: [wait('w', 3)] }));
    expect(store.load().effects).toEqual([wait('x', 2), wait('w', 3)]);
    expect(() => store.commit(transitionOf(task, { effects: [wait('x', 4)] }))).toThrow('UNIQUE');
    store.commit(transitionOf(task, { settled: ['w', 'x'] }));
    expect(store.load().effects).toEqual([]);
  });
});

describe('the tables of the board', () => {
  test('hold the task as the board writes it', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask({
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
      updatedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
    });
    store.commit(transitionOf(task));
    store.commit(
      transitionOf({
        ...task,
        phase: { type: 'paused' },
        updatedAt: Date.UTC(2026, 11, 31, 23, 59, 59, 999),
      }),
    );
    store.close();
    const database = await openRawDatabase(directory);
    expect(database.all('SELECT * FROM tasks')).toEqual([
      {
        id: new Uint8Array(Buffer.from(task.id.replaceAll('-', ''), 'hex')),
        project_id: expect.any(Uint8Array),
        title: 'Add a clock',
        description: 'It shows the time.',
        status: 'todo',
        created_at: '2026-01-02 03:04:05.067',
        updated_at: '2026-12-31 23:59:59.999',
        parent_task_attempt: null,
      },
    ]);
    expect(
      database.all(
        'SELECT p.name, p.git_repo_path, length(p.id) AS bytes FROM projects p JOIN tasks ON project_id = p.id',
      ),
    ).toEqual([{ name: 'Repository', git_repo_path: '/repository', bytes: 16 }]);
  });

  test('keep one project across reopens', async () => {
    const directory = await temporaryDirectory();
    (await openTestStore(directory)).close();
    (await openTestStore(directory)).close();
    const database = await openRawDatabase(directory);
    expect(database.all('SELECT count(*) AS n FROM projects')).toEqual([{ n: 1 }]);
  });
});

test('runs are projected when they start and when an event names them', async () => {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  const task = runningTask();
  const [specification, implementation] = task.runs;
  if (specification === undefined || implementation === undefined)
    throw new Error('the fixture has two runs');
  store.commit(
    transitionOf({
      ...task,
      runs: [{ ...specification, status: 'running', outcome: null, completedAt: null }],
    }),
  );
  const completed = {
    type: 'run.cancelled',
    taskId: task.id,
    at: task.updatedAt,
    data: { runId: specification.id, stage: 'specification', sessionId: null, costUsd: 0 },
  } as const;
  store.commit(transitionOf(task, { events: [completed] }));
  store.close();
  const database = await openRawDatabase(directory);
  expect(database.all('SELECT * FROM orchestrator_stage_run ORDER BY started_at')).toEqual([
    {
      id: runIdOf(task.id, 'specification', 1),
      task_id: expect.any(Uint8Array),
      stage: 'specification',
      attempt: 1,
      status: 'completed',
      outcome: 'success',
      input_digests: JSON.stringify(specification.inputDigests),
      output_digest: specification.outputDigest,
      session_id: 'session-1',
      container_port: 8081,
      started_at: specification.startedAt,
      completed_at: specification.completedAt,
      cost_usd: 0.1234567,
    },
    expect.objectContaining({ id: implementation.id, status: 'running', completed_at: null }),
  ]);
});

describe('lists', () => {
  test('give tasks newest first, in pages, with the later commit first at equal times', async () => {
    const store = await openTestStore(await temporaryDirectory());
    const tasks = [queuedTask({ createdAt: 2 }), queuedTask({ createdAt: 1 }), queuedTask({ createdAt: 2 })];
    for (const task of tasks) store.commit(transitionOf(task));
    const [first, second, third] = tasks;
    expect(store.tasks({ limit: 2, offset: 0 })).toEqual([third, first]);
    expect(store.tasks({ limit: 2, offset: 2 })).toEqual([second]);
  });

  test('leave final tasks out of what is loaded, not out of the pages', async () => {
    const store = await openTestStore(await temporaryDirectory());
    const open = queuedTask();
    const done = queuedTask({ phase: { type: 'done', strategy: 'squash' } });
    store.commit(transitionOf(open, { tasks: [open, done] }));
    expect(store.load().tasks).toEqual([open]);
    expect(store.tasks({ limit: 5, offset: 0 })).toHaveLength(2);
    expect(store.task(done.id)).toEqual(done);
  });

  test.each([
    ['', ['0a', '0b', 'ff']],
    ['0', ['0a', '0b']],
    ['0A', ['0a']],
    ['0a000000-00', ['0a']],
    ['ff000000-0000-0000-0000-000000000000', ['ff']],
    ['1', []],
    ['0x', []],
    ["0' OR 1", []],
    ['0a000000-0000-0000-0000-0000000000000', []],
  ])('find the ids that begin with "%s"', async (prefix, expected) => {
    const store = await openTestStore(await temporaryDirectory());
    const task = (start: string): Task =>
      queuedTask({ id: taskIdOf(`${start}000000-0000-0000-0000-000000000000`) });
    for (const start of ['ff', '0a', '0b']) store.commit(transitionOf(task(start)));
    expect(store.taskIdsWithPrefix(prefix, 10)).toEqual(expected.map((start) => task(start).id));
    expect(store.taskIdsWithPrefix(prefix, 1)).toEqual(expected.slice(0, 1).map((start) => task(start).id));
  });
});

describe('contexts', () => {
  test('are numbered within a task and stage, and share the bytes of equal bundles', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask({ updatedAt: 77 });
    const runId = runIdOf(task.id, 'qa', 1);
    const request = bundleOf(task.id, '{"request":"größer"}');
    const qa = bundleOf(task.id, '{"verdict":"fail"}', { stage: 'qa', runId });
    store.commit(transitionOf(task, { bundles: [request, qa] }));
    store.commit(transitionOf(task, { bundles: [{ ...qa, runId: runIdOf(task.id, 'qa', 2) }] }));
    const { body: _request, ...requestHead } = request;
    const { body: _qa, ...qaHead } = qa;
    expect(store.bundles(task.id)).toEqual([
      { ...requestHead, version: 1, createdAt: 77 },
      { ...qaHead, version: 1, createdAt: 77 },
      { ...qaHead, runId: runIdOf(task.id, 'qa', 2), version: 2, createdAt: 77 },
    ]);
    expect(store.bundle(qa.digest)).toEqual({ ...qa, version: 1, createdAt: 77 });
    expect(store.bundle(bundleOf(task.id, 'never stored').digest)).toBeNull();
    store.close();
    const database = await openRawDatabase(directory);
    expect(database.all('SELECT count(*) AS n FROM orchestrator_bundle')).toEqual([{ n: 2 }]);
  });

  test.each([1, 20])('of %i MB survive a reopen byte for byte', async (megabytes) => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    const bundle = bundleOf(task.id, JSON.stringify(randomBytes(megabytes * 500_000).toString('hex')));
    store.commit(transitionOf(task, { bundles: [bundle] }));
    store.close();
    const again = await openTestStore(directory);
    expect(again.bundle(bundle.digest)?.body === bundle.body).toBe(true);
  });

  test('whose bytes were changed are refused by name', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    const bundle = bundleOf(task.id, '{"a":1}');
    store.commit(transitionOf(task, { bundles: [bundle] }));
    store.close();
    const database = await openRawDatabase(directory);
    database.transaction(() =>
      database.script(
        `DROP TRIGGER orchestrator_bundle_no_update; UPDATE orchestrator_bundle SET body = '{"a":2}'`,
      ),
    );
    database.close();
    const again = await openTestStore(directory);
    expect(() => again.bundle(bundle.digest)).toThrow(bundle.digest);
  });
});

test.each([
  ['no JSON', '{', 'JSON'],
  ['a field too many', JSON.stringify({ ...queuedTask(), mood: 'good' }), 'mood'],
  ['an unknown phase', JSON.stringify({ ...queuedTask(), phase: { type: 'asleep' } }), 'phase.type'],
])('a stored task with %s is refused, with what is wrong', async (_name, state, detail) => {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  const task = queuedTask();
  store.commit(transitionOf(task));
  store.close();
  const database = await openRawDatabase(directory);
  database.transaction(() => database.run('UPDATE orchestrator_task SET state = ?', [state]));
  database.close();
  const again = await openTestStore(directory);
  const failure = thrownBy(() => again.load());
  expect(OrchestratorError.is(failure, 'environment')).toBe(true);
  expect(String(failure)).toContain(task.id);
  expect(String(failure)).toContain(detail);
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
