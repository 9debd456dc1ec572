import { expect, onTestFinished, test, vi } from 'vitest';
import { readers } from '../../../../src/engine/inspection/readers.ts';
import { OrchestratorError } from '../../../../src/engine/ports/errors.ts';
import {
  parseBoardHostMessage,
  type BoardAccess,
  type BoardChange,
  type BoardHostMessage,
} from '../../../../src/engine/protocol/board.ts';
import { BoardHost } from '../../../../src/engine/server/board/boardHost.ts';
import { BoardFeed, busyDay } from '../../../support/boardFeed.ts';
import { temporaryDirectory } from '../../../support/storeFixtures.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';
import { inspectedSession } from '../../../support/webviewSession.ts';

const look = { find: '', limits: {} };

/** A page of the board that keeps what it gets. */
class Page {
  readonly messages: BoardHostMessage[] = [];
  readonly reported: unknown[] = [];
  readonly host: BoardHost;
  /** What `post` resolves with: a test can let a message wait. */
  delivery: () => Promise<unknown> = () => Promise.resolve();

  constructor(feed: BoardFeed, access: BoardAccess = 'move') {
    this.host = new BoardHost({
      feed,
      access,
      readers: () => readers,
      post: (message) => {
        // What is sent is what the page accepts.
        expect(parseBoardHostMessage(JSON.parse(JSON.stringify(message)))).not.toBeNull();
        this.messages.push(message);
        return this.delivery();
      },
      extras: ['open-app'],
      onExtra: () => undefined,
      onOpenFile: () => undefined,
      report: (error) => this.reported.push(error),
    });
    onTestFinished(() => this.host.dispose());
  }

  async open(): Promise<Extract<BoardHostMessage, { type: 'snapshot' }>> {
    this.host.receive({ type: 'ready', look });
    return vi.waitFor(() => {
      const message = this.messages.findLast(({ type }) => type === 'snapshot');
      if (message?.type !== 'snapshot') throw new Error('no snapshot yet');
      return message;
    });
  }

  get changes(): BoardChange[] {
    return this.messages.flatMap((message) => (message.type === 'delta' ? message.changes : []));
  }

  async move(move: object): Promise<string | null> {
    const before = this.messages.length;
    this.host.receive({ type: 'move', id: 7, move });
    return vi.waitFor(() => {
      const answer = this.messages.slice(before).find(({ type }) => type === 'moved');
      if (answer?.type !== 'moved') throw new Error('no answer yet');
      return answer.refusal;
    });
  }
}

test('says nothing before the page is there, then all of it once, then only what changed', async () => {
  const feed = new BoardFeed(busyDay());
  const page = new Page(feed);
  feed.commit(taskIn('queued', 20));
  expect(page.messages).toEqual([]);
  const { cards, columns, access } = await page.open();
  expect(cards).toHaveLength(13);
  expect(columns.map(({ total }) => total)).toEqual([4, 1, 2, 1, 2, 1, 2]);
  expect(access).toBe('move');

  feed.commit(taskIn('gate', 20));
  await vi.waitFor(() =>
    expect(page.changes).toMatchObject([
      { type: 'card', card: { id: idOf(20), group: 'needs-you', phase: 'gate' } },
      { type: 'column', column: { group: 'queued', total: 3 } },
      { type: 'column', column: { group: 'needs-you', total: 3 } },
    ]),
  );
  expect(page.messages.map((message) => ('seq' in message ? message.seq : null))).toEqual([1, 2]);
});

test('a card is what a person wants to see at a glance', async () => {
  const feed = new BoardFeed(busyDay());
  const [, , , , fifth] = busyDay();
  if (fifth === undefined) throw new Error('no fifth task');
  feed.lease(8082, fifth);
  const { cards } = await new Page(feed).open();
  expect(cards.find(({ id }) => id === idOf(5))).toMatchObject({
    title: 'Keep the scroll position when the inspector is drawn again',
    group: 'implementation',
    phase: 'running',
    attempt: 2,
    workedMs: 516_000,
    costUsd: 1.05,
    port: 8082,
    actions: ['pause', 'cancel'],
  });
  expect(cards.find(({ id }) => id === idOf(6))).toMatchObject({ reason: 'The service is overloaded.' });
});

test('a slot that changes hands changes two cards', async () => {
  const [first, second] = [taskIn('completed', 1), taskIn('completed', 2)];
  const feed = new BoardFeed([first, second]);
  feed.lease(8081, first);
  const page = new Page(feed);
  await page.open();
  feed.lease(8081, second);
  await vi.waitFor(() => expect(page.changes).toHaveLength(2));
  expect(page.changes).toMatchObject([{ card: { port: 8081 } }, { card: { port: null } }]);
});

test('a column sends its first cards; a card that comes in pushes one out', async () => {
  const feed = new BoardFeed(Array.from({ length: 200 }, (_, index) => taskIn('queued', index + 1)));
  const page = new Page(feed);
  expect((await page.open()).cards).toHaveLength(50);
  page.host.receive({ type: 'look', look: { find: '', limits: { queued: 60 } } });
  await vi.waitFor(() => expect(page.changes.filter(({ type }) => type === 'card')).toHaveLength(10));
  feed.commit(taskIn('queued', 500, { priority: 5 }));
  await vi.waitFor(() =>
    expect(page.changes.slice(10)).toMatchObject([
      { type: 'card', card: { id: idOf(500) } },
      { type: 'gone', id: idOf(60) },
      { type: 'column', column: { found: 201, total: 201 } },
    ]),
  );
});

test('a filter leaves what has every word; the totals stay', async () => {
  const page = new Page(new BoardFeed(busyDay()));
  await page.open();
  page.host.receive({ type: 'look', look: { find: 'SORT imp', limits: {} } });
  await vi.waitFor(() => expect(page.changes.filter(({ type }) => type === 'gone')).toHaveLength(11));
  expect(page.changes).toContainEqual({ type: 'column', column: { group: 'queued', found: 1, total: 3 } });
});

test('a page that is slow gets fewer messages, not a queue of them', async () => {
  const feed = new BoardFeed([taskIn('queued', 1)]);
  const page = new Page(feed);
  await page.open();
  let deliver = (): void => undefined;
  page.delivery = () => new Promise((resolve) => (deliver = () => resolve(undefined)));
  feed.commit(taskIn('gate', 1));
  await vi.waitFor(() => expect(page.messages).toHaveLength(2));
  for (let number = 2; number <= 500; number += 1) feed.commit(taskIn('gate', 1, { updatedAt: number }));
  deliver();
  await vi.waitFor(() => expect(page.messages).toHaveLength(3));
  expect(page.changes.at(-1)).toMatchObject({ type: 'card', card: { updatedAt: 500 } });
  deliver();
});

test('asked again, it sends a snapshot with the next number', async () => {
  const page = new Page(new BoardFeed(busyDay()));
  await page.open();
  page.host.receive({ type: 'ready', look });
  await vi.waitFor(() => expect(page.messages).toMatchObject([{ seq: 1 }, { type: 'snapshot', seq: 2 }]));
});

test('a move goes through the engine; its refusal is told in its words', async () => {
  const feed = new BoardFeed(busyDay());
  const page = new Page(feed);
  await page.open();
  expect(await page.move({ type: 'send-back', taskId: idOf(10), note: 'Smaller.' })).toBeNull();
  expect(feed.dispatched).toEqual([{ type: 'send-back', taskId: idOf(10), note: 'Smaller.' }]);
  feed.rejection = { type: 'rejected', code: 'not-now', message: 'Cannot approve: it runs.' };
  expect(await page.move({ type: 'approve', taskId: idOf(4) })).toBe('Cannot approve: it runs.');
});

test('an accepted task is told as merged when it is, and as refused when that fails', async () => {
  const feed = new BoardFeed(busyDay());
  const page = new Page(feed);
  await page.open();
  const accept = { type: 'accept', taskId: idOf(10), strategy: 'squash' } as const;
  feed.mergeFailure = {
    code: 'merge-conflict',
    message: 'Both changed: a.txt.',
    remedy: 'Merge it yourself.',
  };
  expect(await page.move(accept)).toBe('Both changed: a.txt. Merge it yourself.');

  feed.mergeFailure = null;
  let merged = (): void => undefined;
  feed.merging = new Promise<void>((resolve) => (merged = resolve));
  const answer = page.move(accept);
  await vi.waitFor(() => expect(feed.dispatched).toHaveLength(2));
  // A move of another task is answered meanwhile; this one is not.
  expect(await page.move({ type: 'approve', taskId: idOf(8) })).toBeNull();
  expect(page.messages.filter(({ type }) => type === 'moved')).toHaveLength(2);
  merged();
  expect(await answer).toBeNull();
  expect(feed.tasks.get(idOf(10))?.phase.type).toBe('done');
});

test('a board for reading makes no move and offers none', async () => {
  const feed = new BoardFeed(busyDay(), inspectedSession(await temporaryDirectory()));
  const page = new Page(feed, 'read');
  const { cards } = await page.open();
  expect(cards.flatMap(({ actions }) => actions)).toEqual([]);
  expect(await page.move({ type: 'approve', taskId: idOf(8) })).toContain('for reading only');
  expect(feed.dispatched).toEqual([]);
});

test('takes nothing for a move but what the protocol knows', async () => {
  const feed = new BoardFeed(busyDay());
  const page = new Page(feed);
  await page.open();
  const task = { taskId: idOf(8) };
  for (const move of [
    { type: 'create', ...task },
    { type: 'set-priority', ...task, priority: 1 },
    { type: 'approve', taskId: '../../etc' },
    { type: 'approve', ...task, extra: 1 },
    { type: 'send-back', ...task, note: 'x'.repeat(20_001) },
    { type: 'accept', ...task, strategy: 'rebase' },
  ])
    expect(page.host.receive({ type: 'move', id: 1, move })).toBe(false);
  for (const message of [
    null,
    'ready',
    { type: 'ready' },
    { type: 'ready', look: { find: '', limits: { queued: 1_001 } } },
  ])
    expect(page.host.receive(message)).toBe(false);
  expect(feed.dispatched).toEqual([]);
});

test('an inspector speaks on its own channel, until it is closed', async () => {
  const session = inspectedSession(await temporaryDirectory());
  const page = new Page(new BoardFeed(busyDay(), session), 'read');
  await page.open();
  page.host.receive({ type: 'open', channel: 3, taskId: session.task.id });
  page.host.receive({ type: 'inspector', channel: 3, message: { type: 'ready' } });
  await vi.waitFor(() =>
    expect(page.messages.at(-1)).toMatchObject({
      type: 'inspector',
      channel: 3,
      message: { type: 'snapshot', view: { task: { title: session.task.title, actions: [] } } },
    }),
  );
  page.host.receive({ type: 'close', channel: 3 });
  const before = page.messages.length;
  page.host.receive({ type: 'inspector', channel: 3, message: { type: 'ready' } });
  page.host.receive({ type: 'ready', look });
  await vi.waitFor(() => expect(page.messages.length).toBeGreaterThan(before));
  expect(page.messages.slice(before).map(({ type }) => type)).toEqual(['snapshot']);
});

test('says what is missing, and shows the board once it is there', async () => {
  const feed = new BoardFeed(busyDay());
  feed.failure = new OrchestratorError('environment', 'Another process holds the storage.', {
    remedy: 'Close it.',
  });
  const page = new Page(feed);
  page.host.receive({ type: 'ready', look });
  await vi.waitFor(() =>
    expect(page.messages).toEqual([
      { type: 'unavailable', message: 'Another process holds the storage.', remedy: 'Close it.' },
    ]),
  );
  feed.failure = new Error('/home/somebody/secret: no such file');
  feed.changeState();
  await vi.waitFor(() => expect(page.messages).toHaveLength(2));
  expect(JSON.stringify(page.messages)).not.toContain('somebody');
  expect(page.reported).toEqual([feed.failure]);
  feed.failure = null;
  feed.changeState();
  await vi.waitFor(() => expect(page.messages.at(-1)?.type).toBe('snapshot'));
});
