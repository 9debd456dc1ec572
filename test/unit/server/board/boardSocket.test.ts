import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { parseBoardHostMessage, type BoardHostMessage } from '../../../../src/engine/protocol/board.ts';
import { BoardFeed, busyDay } from '../../../support/boardFeed.ts';
import { BoardServer } from '../../../support/boardServer.ts';
import { taskIn } from '../../../support/viewTasks.ts';

const look = { find: '', limits: {} };

async function serve(feed: BoardFeed, beatMs?: number): Promise<BoardServer> {
  const server = await BoardServer.open(feed, beatMs);
  onTestFinished(() => server.close());
  return server;
}

const textOf = (data: RawData): string => (data as Buffer).toString('utf8');

interface Client {
  readonly socket: WebSocket;
  readonly messages: (BoardHostMessage | null)[];
}

async function join(server: BoardServer): Promise<Client> {
  const socket = new WebSocket(server.socketAddress());
  const messages: (BoardHostMessage | null)[] = [];
  socket.on('message', (data) => messages.push(parseBoardHostMessage(JSON.parse(textOf(data)))));
  await once(socket, 'open');
  onTestFinished(() => socket.terminate());
  return { socket, messages };
}

test('a page gets its snapshot and what changes, each in one message', async () => {
  const feed = new BoardFeed(busyDay());
  const { socket, messages } = await join(await serve(feed));
  socket.send(JSON.stringify({ type: 'ready', look }));
  await vi.waitFor(() => expect(messages.map((message) => message?.type)).toEqual(['snapshot']));
  feed.commit(taskIn('queued', 40));
  await vi.waitFor(() => expect(messages.map((message) => message?.type)).toEqual(['snapshot', 'delta']));
});

test.each([
  ['what is no JSON', '{'],
  ['what is no message', '{"type":"rm"}'],
  ['bytes', Buffer.from('{"type":"beat"}')],
  ['more than any message holds', JSON.stringify({ type: 'ready', look, more: 'x'.repeat(300_000) })],
])('%s ends the connection', async (_, data) => {
  const { socket } = await join(await serve(new BoardFeed([])));
  socket.send(data, { binary: typeof data !== 'string' });
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1008);
});

test('the connection shows that it is alive, and is ended when nobody answers', async () => {
  const server = await serve(new BoardFeed([]), 20);
  const { messages } = await join(server);
  await vi.waitFor(() => expect(messages).toContainEqual({ type: 'beat' }));

  const silent = connect(Number(new URL(server.address(null)).port), '127.0.0.1');
  const address = new URL(server.socketAddress());
  silent.write(
    `GET ${address.pathname}${address.search} HTTP/1.1\r\nHost: ${address.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  silent.resume();
  await once(silent, 'close');
});

test('a page that is gone is followed no more', async () => {
  const feed = new BoardFeed(busyDay());
  const server = await serve(feed);
  const { socket, messages } = await join(server);
  socket.send(JSON.stringify({ type: 'ready', look }));
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  expect(feed.listeners).toBeGreaterThan(0);
  socket.terminate();
  await vi.waitFor(() => expect(feed.listeners).toBe(0));
});

test('10,000 tasks: a page costs what it shows, and a change what it changes', async () => {
  const feed = new BoardFeed(
    Array.from({ length: 10_000 }, (_, index) => taskIn(index % 2 === 0 ? 'queued' : 'done', index + 1)),
  );
  const { socket, messages } = await join(await serve(feed));
  let bytes = 0;
  socket.on('message', (data) => (bytes += textOf(data).length));
  socket.send(JSON.stringify({ type: 'ready', look }));
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  expect(bytes).toBeLessThan(100_000);
  bytes = 0;
  feed.commit(taskIn('gate', 1));
  await vi.waitFor(() => expect(messages).toHaveLength(2));
  // The card, the one that takes its place in the queue, and two counts.
  expect(bytes).toBeLessThan(2_000);
});
