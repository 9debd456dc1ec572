import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { sealBundle } from '../../../src/engine/context/digest.ts';
import { type TaskId, taskIdOf } from '../../../src/engine/domain/ids.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { EngineWindow } from '../../support/engineWindow.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';

async function create(engine: Engine, title: string): Promise<TaskId> {
  const taskId = taskIdOf(randomUUID());
  const { body, digest } = sealBundle({ type: 'request', format: 1, title, description: '' });
  const rejection = await engine.dispatch(
    {
      type: 'create',
      taskId,
      title,
      description: '',
      priority: 0,
      settings: defaultSettings,
      requestDigest: digest,
    },
    [{ digest, taskId, runId: null, stage: 'request', body }],
  );
  expect(rejection).toBeNull();
  return taskId;
}

const titles = ({ list }: EngineWindow): string[] =>
  list
    .all()
    .map(({ title }) => title)
    .toSorted();

test('the first window drives, the second follows it and sees its tasks, old and new', async () => {
  const storage = await temporaryDirectory();
  const first = new EngineWindow(storage, 'the first window');
  const driving = await first.open();
  await create(driving.engine, 'before');

  const second = new EngineWindow(storage, 'the second window');
  const following = await second.open();
  expect(driving.type).toBe('driving');
  expect(following).toMatchObject({ type: 'following', holder: 'the first window' });
  expect(titles(second)).toEqual(['before']);

  await create(driving.engine, 'after');
  await vi.waitFor(() => expect(titles(second)).toEqual(['after', 'before']));
});

test('a move made in the following window is in both', async () => {
  const storage = await temporaryDirectory();
  const first = new EngineWindow(storage, 'first');
  const { engine } = await first.open();
  const id = await create(engine, 'shared');
  const second = new EngineWindow(storage, 'second');
  const following = await second.open();

  expect(await following.engine.dispatch({ type: 'pause', taskId: id }, [])).toBeNull();
  expect(first.list.get(id)?.phase.type).toBe('paused');
  await vi.waitFor(() => expect(second.list.get(id)?.phase.type).toBe('paused'));
  expect(second.notices).toEqual(first.notices.slice(-second.notices.length));
});

test('when the driving window closes one follower takes over and the other follows it, with every task', async () => {
  const storage = await temporaryDirectory();
  const first = new EngineWindow(storage, 'first');
  await create((await first.open()).engine, 'kept');
  const others = [new EngineWindow(storage, 'second'), new EngineWindow(storage, 'third')];
  for (const other of others) await other.open();

  await first.close();
  await vi.waitFor(
    () =>
      expect(
        others.map(({ connected }) => connected?.type ?? '').toSorted((a, b) => a.localeCompare(b)),
      ).toEqual(['driving', 'following']),
    { timeout: 20_000 },
  );
  const driver = others.find(({ connected }) => connected?.type === 'driving');
  const follower = others.find(({ connected }) => connected?.type === 'following');
  if (driver?.connected === null || driver === undefined || follower === undefined)
    throw new Error('nobody took over');
  await create(driver.connected.engine, 'new');
  await vi.waitFor(() => expect(titles(follower)).toEqual(['kept', 'new']));
  expect(titles(driver)).toEqual(['kept', 'new']);
});

test('a connection that is closed while it opens gives the storage up again', async () => {
  const storage = await temporaryDirectory();
  const first = new EngineWindow(storage, 'first');
  const opening = first.open();
  opening.catch(() => {});
  await first.close();
  await expect(opening).rejects.toThrow('closing');
  expect((await new EngineWindow(storage, 'second').open()).type).toBe('driving');
});

test('a window that closes while it takes over leaves the storage to the next', async () => {
  const storage = await temporaryDirectory();
  const first = new EngineWindow(storage, 'first');
  await first.open();
  const second = new EngineWindow(storage, 'second');
  await second.open();
  await first.close();
  await vi.waitFor(() => expect(second.connected).toBeNull());
  await second.close();
  expect((await new EngineWindow(storage, 'third').open()).type).toBe('driving');
});
