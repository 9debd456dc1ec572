import { expect, test, vi } from 'vitest';
import { emptyAllocation } from '../../../src/engine/domain/allocation.ts';
import { leaseIdOf, runIdOf } from '../../../src/engine/domain/ids.ts';
import type { Notice } from '../../../src/engine/notice.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { EngineClient } from '../../../src/engine/sharing/engineClient.ts';
import { ServedEngine } from '../../support/servedEngine.ts';
import { queuedTask } from '../../support/storeFixtures.ts';

async function serve(): Promise<ServedEngine> {
  const engine = new ServedEngine();
  await engine.listen();
  return engine;
}

/** A follower, and what it heard so far. */
async function follow(engine: ServedEngine): Promise<{ client: EngineClient; heard: Notice[] }> {
  const client = await EngineClient.attach(await engine.connect());
  const heard: Notice[] = [];
  await client.subscribe((notice) => heard.push(notice));
  return { client, heard };
}

const task = queuedTask();
const runId = runIdOf(task.id, 'specification', 1);

const committed: Notice = {
  type: 'committed',
  rows: [
    {
      seq: 1,
      at: 1_700_000_000_000,
      taskId: task.id,
      type: 'task.queued',
      actor: 'person',
      cause: 'create',
      data: { stage: 'specification', reason: 'created' },
      hash: 'f'.repeat(64),
    },
  ],
  tasks: [task],
  slots: {
    ...emptyAllocation.slots,
    8081: { type: 'leased', leaseId: leaseIdOf(8081, 1), taskId: task.id, idleSince: null },
  },
};

test('a follower hears commits, activity and failure in order, whole', async () => {
  const engine = await serve();
  const { heard } = await follow(engine);
  const activity: Notice = {
    type: 'activity',
    taskId: task.id,
    runId,
    activity: { type: 'does', text: 'Read src/text.js' },
  };
  engine.publish(committed);
  engine.publish(activity);
  engine.publish({
    type: 'failed',
    error: new OrchestratorError('environment', 'No space', { remedy: 'Make some.' }),
  });

  await vi.waitFor(() => expect(heard).toHaveLength(3));
  expect(heard.slice(0, 2)).toEqual([committed, activity]);
  const failed = heard[2];
  if (failed?.type !== 'failed' || !OrchestratorError.is(failed.error, 'environment'))
    throw new Error('the failure is not the one that was published');
  expect(failed.error).toMatchObject({ message: 'No space', remedy: 'Make some.' });
});

test('subscribing answers with the slots as they are', async () => {
  const engine = await serve();
  engine.slots = committed.slots;
  const client = await EngineClient.attach(await engine.connect());
  expect(await client.subscribe(() => {})).toEqual(committed.slots);
});

test('who did not subscribe hears nothing, and still gets answers', async () => {
  const engine = await serve();
  const client = await EngineClient.attach(await engine.connect());
  engine.publish(committed);
  expect(engine.followers).toBe(0);
  expect(await client.records.tasks({ limit: 10, offset: 0 })).toEqual([]);
});

test('a follower that leaves is no longer told', async () => {
  const engine = await serve();
  const { client } = await follow(engine);
  expect(engine.followers).toBe(1);
  await client.close();
  await vi.waitFor(() => expect(engine.followers).toBe(0));
});

test('draining lets followers go without waiting for them to leave', async () => {
  const engine = await serve();
  const { client } = await follow(engine);
  // Never aborted: it resolves because the follower was let go.
  await engine.server.drain(new AbortController().signal);
  expect(OrchestratorError.is(await client.gone, 'environment')).toBe(true);
  await expect(client.records.task(task.id)).rejects.toThrow('went away');
});

test('draining first answers what a follower has asked', async () => {
  const engine = await serve();
  const { client } = await follow(engine);
  const begun = engine.settle;
  const settled = client.settled(task.id);
  await vi.waitFor(() => expect(engine.settle).not.toBe(begun));
  const drained = engine.server.drain(new AbortController().signal);
  engine.settle();
  await settled;
  await drained;
});

test('a connection made while draining is turned away', async () => {
  const engine = await serve();
  await engine.server.drain(new AbortController().signal);
  await expect(EngineClient.attach(await engine.connect())).rejects.toThrow('went away');
});

test('a follower that does not read loses activity first and is let go before memory is', async () => {
  const engine = await serve();
  const socket = await engine.connect();
  const client = await EngineClient.attach(socket);
  const heard: Notice[] = [];
  await client.subscribe((notice) => heard.push(notice));
  socket.pause();
  const large: Notice = { ...committed, tasks: [queuedTask({ description: 'x'.repeat(1024 * 1024) })] };
  for (let count = 0; count < 40 && engine.followers > 0; count += 1) {
    engine.publish(large);
    engine.publish({
      type: 'activity',
      taskId: task.id,
      runId,
      activity: { type: 'says', text: String(count) },
    });
    // The server's socket closes in a later turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(engine.followers).toBe(0);
  socket.resume();
  await client.gone;
  expect(heard.filter(({ type }) => type === 'activity').length).toBeLessThan(10);
});
