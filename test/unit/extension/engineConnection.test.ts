import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTask } from '../../../src/engine/createTask.ts';
import { type TaskId, taskIdOf } from '../../../src/engine/domain/ids.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openOrchestrator } from '../../../src/engine/openOrchestrator.ts';
import type { Notice } from '../../../src/engine/notice.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { EngineClient } from '../../../src/engine/sharing/engineClient.ts';
import { readOwnerRecord } from '../../../src/engine/store/ownerRecord.ts';
import { connectToHolder } from '../../../src/engine/store/writerLock.ts';
import { systemClock } from '../../../src/engine/systemClock.ts';
import { WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { type Connected, EngineConnection } from '../../../src/extension/engineConnection.ts';
import { TaskList } from '../../../src/engine/inspection/taskList.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';

const root = resolve(import.meta.dirname, '../../..');

/** A window without VS Code: it connects, keeps the list of tasks, and connects again when the holder goes. */
class Window {
  readonly list = new TaskList();
  readonly notices: Notice[] = [];
  connected: Connected | null = null;
  private connection: EngineConnection;
  private closed = false;
  private reopening: Promise<unknown> = Promise.resolve();
  private readonly storage: string;
  private readonly name: string;

  constructor(storage: string, name: string) {
    this.storage = storage;
    this.name = name;
    this.connection = this.make();
    onTestFinished(() => this.close());
  }

  async open(): Promise<Connected> {
    this.connected = await this.connection.open();
    if (this.connected.type === 'driving') await this.connected.engine.start();
    return this.connected;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connection.close();
    await this.reopening;
  }

  private make(): EngineConnection {
    return new EngineConnection({
      bundle: { openOrchestrator, connectToHolder, readOwnerRecord, EngineClient },
      configuration: {
        worktrees: new WorktreeManager({
          repositoryPath: root,
          worktreesDir: join(this.storage, 'worktrees'),
        }),
        repository: { path: root, name: 'repository' },
        storage: this.storage,
        distFolder: join(root, 'dist'),
        containerFolder: join(root, 'media', 'container'),
        environment: {},
        clock: systemClock,
        logger: silentLogger,
        // Nothing runs by itself: moves are recorded, which is what is looked at here.
        drive: 'none',
        holder: this.name,
        onProgress: () => {},
      },
      load: ({ records }, slots) => this.list.load(records, slots),
      onNotice: (notice) => {
        this.notices.push(notice);
        if (notice.type === 'committed') this.list.apply(notice);
      },
      onLost: () => {
        this.connected = null;
        if (this.closed) return;
        this.connection = this.make();
        // As the session does: an opening that the window's end interrupts is no failure of anything.
        this.reopening = this.open().catch((error: unknown) => {
          if (!this.closed) throw error;
        });
      },
    });
  }
}

async function create(engine: Engine, title: string, how: { readonly paused?: true } = {}): Promise<TaskId> {
  const id = taskIdOf(randomUUID());
  const task = { id, title, description: '', priority: 0, settings: defaultSettings, ...how };
  expect(await createTask(engine, task)).toBeNull();
  return id;
}

const titles = ({ list }: Window): string[] =>
  list
    .all()
    .map(({ title }) => title)
    .toSorted();

test('the first window drives, the second follows it and sees its tasks, old and new', async () => {
  const storage = await temporaryDirectory();
  const first = new Window(storage, 'the first window');
  const driving = await first.open();
  await create(driving.engine, 'before');

  const second = new Window(storage, 'the second window');
  const following = await second.open();
  expect(driving.type).toBe('driving');
  expect(following).toMatchObject({ type: 'following', holder: 'the first window' });
  expect(titles(second)).toEqual(['before']);

  await create(driving.engine, 'after');
  await vi.waitFor(() => expect(titles(second)).toEqual(['after', 'before']));
});

test('a move made in the following window is in both', async () => {
  const storage = await temporaryDirectory();
  const first = new Window(storage, 'first');
  const { engine } = await first.open();
  const id = await create(engine, 'shared');
  const second = new Window(storage, 'second');
  const following = await second.open();

  expect(await following.engine.dispatch({ type: 'pause', taskId: id }, [])).toBeNull();
  expect(first.list.get(id)?.phase.type).toBe('paused');
  await vi.waitFor(() => expect(second.list.get(id)?.phase.type).toBe('paused'));
  expect(second.notices).toEqual(first.notices.slice(-second.notices.length));
});

test('a task that the following window keeps for later is so in both', async () => {
  const storage = await temporaryDirectory();
  const first = new Window(storage, 'first');
  await first.open();
  const second = new Window(storage, 'second');
  const { engine } = await second.open();
  const id = await create(engine, 'later', { paused: true });
  for (const { list } of [first, second])
    await vi.waitFor(() => expect(list.get(id)?.phase.type).toBe('paused'));
});

test('when the driving window closes one follower takes over and the other follows it, with every task', async () => {
  const storage = await temporaryDirectory();
  const first = new Window(storage, 'first');
  await create((await first.open()).engine, 'kept');
  const others = [new Window(storage, 'second'), new Window(storage, 'third')];
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
  const first = new Window(storage, 'first');
  const opening = first.open();
  opening.catch(() => {});
  await first.close();
  await expect(opening).rejects.toThrow('closing');
  expect((await new Window(storage, 'second').open()).type).toBe('driving');
});

test('a window that closes while it takes over leaves the storage to the next', async () => {
  const storage = await temporaryDirectory();
  const first = new Window(storage, 'first');
  await first.open();
  const second = new Window(storage, 'second');
  await second.open();
  await first.close();
  await vi.waitFor(() => expect(second.connected).toBeNull());
  await second.close();
  expect((await new Window(storage, 'third').open()).type).toBe('driving');
});
