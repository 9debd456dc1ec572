import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { settingsFrom } from '../../src/engine/settings.ts';
import { openStore } from '../../src/engine/store/workerStore.ts';
import {
  atMost,
  type Bench,
  type BenchContext,
  comparison,
  measurement,
  ratioAtLeast,
  ratioAtMost,
  type Row,
  Skipped,
} from '../harness/bench.ts';
import { Lives } from '../harness/lives.ts';
import { placeSeed, storeOptions } from '../harness/seeds.ts';
import { quantile } from '../harness/statistics.ts';
import { newTask } from '../harness/task.ts';
import { inTurns, timed } from '../harness/turns.ts';

const clients = 100;
const idleClients = 500;
const replayed = 100_000;

interface RunningServer {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** As much of the server's bundle as is used here. */
interface ServerBundle {
  readonly server: {
    readonly OrchestratorFeed: { open(engine: object, storage: string): Promise<{ dispose(): void }> };
    startServer(options: object): Promise<RunningServer>;
  };
}

/** A client that counts what it gets and remembers when it got it. */
class Listener {
  bytes = 0;
  events = 0;
  lastAt = 0;
  private readonly waiting: { readonly events: number; readonly done: () => void }[] = [];
  private readonly response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.response = response;
    let previous = 0;
    response.on('data', (chunk: Buffer) => {
      this.lastAt = performance.now();
      this.bytes += chunk.length;
      for (const byte of chunk) {
        // An empty line ends an event.
        if (byte === 10 && previous === 10) this.events += 1;
        previous = byte;
      }
      for (const { events, done } of this.waiting.splice(0))
        if (this.events >= events) done();
        else this.waiting.push({ events, done });
    });
    // Servers that close cut their streams off.
    response.on('error', () => {});
  }

  static async open(url: string, token: string, lastEventId?: number): Promise<Listener> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    };
    const asked = request(url, { headers, agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`);
    return new Listener(response);
  }

  /** Resolves when so many have come in all. */
  reach(events: number): Promise<void> {
    if (this.events >= events) return Promise.resolve();
    return new Promise((done) => this.waiting.push({ events, done }));
  }

  close(): void {
    this.response.destroy();
  }
}

/** Bare Node: whoever asks gets every byte. */
async function bareServer(): Promise<{ readonly url: string; send(bytes: Buffer): void; close(): void }> {
  const responses = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n\n');
    responses.add(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    send(bytes) {
      for (const response of responses) response.write(bytes);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function run(context: BenchContext): Promise<readonly Row[]> {
  const bundle = join(context.distFolder, 'server.js');
  await access(bundle).catch(() => {
    throw new Skipped('this build has no server');
  });
  const { server: built } = createRequire(import.meta.url)(bundle) as ServerBundle;
  const storage = join(context.scratch, 'storage');
  await mkdir(storage);
  await placeSeed(context, { tasks: 1_000, auditRows: replayed, phase: 'completed' }, storage);
  const store = await openStore({
    ...storeOptions(storage, context),
    workerPath: join(context.distFolder, 'storeWorker.js'),
    holder: 'a bench',
  });
  const lives = await Lives.open(store);
  const { service } = lives;
  const engine = {
    service,
    records: store,
    dispatch: service.dispatch.bind(service),
    settled: service.settled.bind(service),
    close: async () => {},
  };
  const feed = await built.OrchestratorFeed.open(engine, storage);
  const server = await built.startServer({
    feed,
    project: { name: 'repository', path: '/repository' },
    newTask: { settings: settingsFrom, check: async () => {} },
    access: 'read',
    pages: null,
    secrets: () => [],
    logger: silentLogger,
    limits: { connections: 2_000, readsPerMinute: 1_000_000 },
  });
  const events = `${server.url}/api/events/orchestrator`;
  const open = (lastEventId?: number) => Listener.open(events, server.token, lastEventId);
  try {
    return [
      ...(await liveRows(context, lives, open)),
      await replayRow(context, store, open),
      await idleRow(open, (await store.load()).lastSeq),
    ];
  } finally {
    await server.close();
    feed.dispose();
    await store.close();
  }
}

type Open = (lastEventId?: number) => Promise<Listener>;

async function liveRows({ pairs, say }: BenchContext, lives: Lives, open: Open): Promise<readonly Row[]> {
  say(`${clients} clients`);
  const listeners = await Promise.all(Array.from({ length: clients }, () => open()));
  const bare = await bareServer();
  const bareListeners = await Promise.all(
    Array.from({ length: clients }, () => Listener.open(bare.url, 'none')),
  );
  await delay(500);
  const latencies: number[] = [];
  let committedAt = 0;
  let rows = 0;
  // Before the server hears of it: what it does itself counts.
  const unsubscribe = lives.service.subscribe((notice) => {
    if (notice.type !== 'committed') return;
    committedAt = performance.now();
    rows += notice.rows.length;
  });
  let bytes = Buffer.alloc(0);
  const [ours, theirs] = await inTurns(pairs ?? 50, [
    async (turn) => {
      const before = listeners.map(({ events }) => events);
      const bytesBefore = listeners[0]?.bytes ?? 0;
      rows = 0;
      const { command, bundles } = newTask({});
      await lives.service.dispatch(command, bundles);
      await Promise.all(listeners.map((listener, index) => listener.reach((before[index] ?? 0) + rows)));
      if (turn >= 0) latencies.push(...listeners.map(({ lastAt }) => lastAt - committedAt));
      bytes = Buffer.alloc((listeners[0]?.bytes ?? 0) - bytesBefore, 'x');
      bytes.write('\n\n', bytes.length - 2);
      return Math.max(...listeners.map(({ lastAt }) => lastAt)) - committedAt;
    },
    async () => {
      const before = bareListeners.map((listener) => listener.events);
      const startedAt = performance.now();
      bare.send(bytes);
      await Promise.all(bareListeners.map((listener, index) => listener.reach((before[index] ?? 0) + 1)));
      return Math.max(...bareListeners.map(({ lastAt }) => lastAt)) - startedAt;
    },
  ]);
  unsubscribe();
  bare.close();
  for (const listener of [...listeners, ...bareListeners]) listener.close();
  return [
    measurement(`an event, from its commit to each of ${clients} clients`, 'ms', latencies, {
      figure: atMost(5),
    }),
    measurement('the slowest in a hundred', 'ms', [quantile(latencies, 0.99)], { figure: atMost(50) }),
    comparison(
      `an event to all ${clients} clients`,
      'ms',
      ours,
      { name: 'bare Node server, the same bytes', values: theirs },
      { figure: ratioAtMost(1.3) },
    ),
  ];
}

async function replayRow(
  { pairs, say }: BenchContext,
  store: Awaited<ReturnType<typeof openStore>>,
  open: Open,
): Promise<Row> {
  say(`a replay of ${replayed} events`);
  const perSecond = (ms: number): number => replayed / (ms / 1000);
  const [ours, bare] = await inTurns(Math.min(pairs ?? 5, 5), [
    async () => {
      let listener: Listener | undefined;
      const ms = await timed(async () => {
        listener = await open(0);
        await listener.reach(replayed);
      });
      listener?.close();
      return perSecond(ms);
    },
    async () =>
      perSecond(
        await timed(async () => {
          let after = 0;
          while (after < replayed) after = (await store.audit({ after, limit: 500 })).at(-1)?.seq ?? replayed;
        }),
      ),
  ]);
  return comparison(
    `a replay of ${replayed.toLocaleString('en')} events to one client`,
    'events/s',
    ours,
    { name: 'reading the rows alone', values: bare },
    { figure: ratioAtLeast(0.5) },
  );
}

/** Each has everything: nothing is to be sent. */
async function idleRow(open: Open, head: number): Promise<Row> {
  const collect = async (): Promise<number> => {
    global.gc?.();
    await delay(500);
    global.gc?.();
    const { rss } = process.memoryUsage();
    return rss;
  };
  const before = await collect();
  const idle = await Promise.all(Array.from({ length: idleClients }, () => open(head)));
  await delay(500);
  const after = await collect();
  for (const listener of idle) listener.close();
  return measurement(
    'an idle client, both ends of its connection',
    'KB',
    [(after - before) / idleClients / 1024],
    {
      figure: atMost(50),
    },
  );
}

export const server: Bench = { title: 'The server: live events, fan-out and replay', run };
