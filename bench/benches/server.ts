import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../../src/engine/ports/store.ts';
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
import { Listener } from '../harness/listener.ts';
import type { Lives } from '../harness/lives.ts';
import { placeSeed } from '../harness/seeds.ts';
import { serverBundle, serveStorage } from '../harness/servedStorage.ts';
import { quantile } from '../harness/statistics.ts';
import { newTask } from '../harness/task.ts';
import { inTurns, timed } from '../harness/turns.ts';
import { idleRows } from './idleClients.ts';

const clients = 100;
const replayed = 100_000;

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
  await access(serverBundle(context.distFolder)).catch(() => {
    throw new Skipped('this build has no server');
  });
  const storage = join(context.scratch, 'storage');
  await mkdir(storage);
  await placeSeed(context, { tasks: 1_000, auditRows: replayed, phase: 'completed' }, storage);
  return [...(await busyRows(context, storage)), ...(await idleRows(context, storage))];
}

async function busyRows(context: BenchContext, storage: string): Promise<readonly Row[]> {
  const served = await serveStorage(storage, context);
  const open = (lastEventId?: number) =>
    Listener.open(`${served.url}/api/events/orchestrator`, served.token, lastEventId);
  try {
    return [...(await liveRows(context, served.lives, open)), await replayRow(context, served.store, open)];
  } finally {
    await served.close();
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

async function replayRow({ pairs, say }: BenchContext, store: Store, open: Open): Promise<Row> {
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

export const server: Bench = { title: 'The server: live events, fan-out and replay', run };
