import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import type { AuditRow } from '../../../src/engine/ports/store.ts';
import { auditFrame } from '../../../src/engine/server/events/frames.ts';
import { IdleReaders } from '../../support/idleReaders.ts';
import { ServedApi, testToken } from '../../support/servedApi.ts';
import { queuedEvent, queuedTask, transitionOf } from '../../support/storeFixtures.ts';

// A busy machine falsifies any one measurement: what is compared is measured in turn, and the median of the ratios counts.

const clients = 200;
const rowsAtOnce = 60;
const rounds = 15;

const requestOf = (port: number, path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${testToken}\r\n${headers}\r\n`;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

test(
  'a row for two hundred clients costs what a bare server’s writing of the same bytes costs',
  { timeout: 120_000 },
  async () => {
    const api = await ServedApi.open({ limits: { connections: 2_000 } });
    const id = await api.create('One');
    const [seen] = await api.store.audit({ taskId: id, after: 0, limit: 1 });
    if (seen === undefined) throw new Error('creating it is a row');
    let seq = (await api.audit()).length;
    const responses = new Set<ServerResponse>();
    const bare = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 1000\n\n');
      responses.add(response);
      response.on('close', () => responses.delete(response));
    });
    await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      bare.closeAllConnections();
      bare.close();
    });
    const barePort = (bare.address() as AddressInfo).port;
    /** The last row of a burst says that it is. */
    const burst = (): AuditRow[] =>
      Array.from({ length: rowsAtOnce }, (_, index) => ({
        ...seen,
        seq: (seq += 1),
        type: index === rowsAtOnce - 1 ? 'task.completed' : 'task.prioritized',
      }));
    const follow = async (port: number, path: string): Promise<IdleReaders> => {
      const mark = '"type":"task.completed"';
      const readers = new IdleReaders({ port, count: clients, request: requestOf(port, path), mark });
      await readers.until('open');
      return readers;
    };
    const timed = async (
      readers: IdleReaders,
      round: number,
      send: (row: AuditRow) => void,
    ): Promise<number> => {
      const rows = burst();
      const before = cpuMs();
      for (const row of rows) {
        send(row);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await readers.until(`found ${round}`);
      return cpuMs() - before;
    };
    const ours = await follow(api.port, '/api/events/orchestrator');
    const theirs = await follow(barePort, '/');
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const bareMs = await timed(theirs, round, (row) => {
        const frame = Buffer.from(auditFrame(row));
        for (const response of responses) response.write(frame);
      });
      // The other side's rows are no rows of ours: what is announced next follows what was announced before.
      seq -= rowsAtOnce;
      ratios.push((await timed(ours, round, (row) => api.announce(row))) / bareMs);
    }
    expect(median(ratios), ratios.map((ratio) => ratio.toFixed(2)).join(' ')).toBeLessThan(1.3);
  },
);

test('an idle client costs less than 50 KB', { timeout: 120_000 }, async () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const count = 800;
  const api = await ServedApi.open({ limits: { connections: 2_000 } });
  await api.create('One');
  const used = async (): Promise<number> => {
    for (let round = 0; round < 3; round += 1) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const open = async (): Promise<IdleReaders> => {
    const readers = new IdleReaders({
      port: api.port,
      count,
      request: requestOf(api.port, '/api/events/orchestrator'),
      mark: 'never',
    });
    await readers.until('open');
    return readers;
  };
  // Once before, so that what is made at first use is there.
  await (await open()).close();
  const before = await used();
  const readers = await open();
  const each = ((await used()) - before) / count;
  await readers.close();
  expect(each).toBeGreaterThan(500);
  expect(each).toBeLessThan(50 * 1024);
});

test('the whole history comes in at most twice the time of reading it', { timeout: 120_000 }, async () => {
  const count = 20_000;
  const api = await ServedApi.open();
  const task = queuedTask();
  await api.store.commit(
    transitionOf(task, {
      events: Array.from({ length: count }, (_, index) => queuedEvent(task.id, index + 1)),
    }),
  );
  const again = await ServedApi.open({ directory: api.directory, ...(await closed(api)) });
  const alone = async (): Promise<number> => {
    const before = performance.now();
    for (let after = 0; after < count;) {
      const page = await again.store.audit({ after, limit: 500 });
      after = page.at(-1)?.seq ?? count;
    }
    return performance.now() - before;
  };
  const replayed = async (): Promise<number> => {
    const before = performance.now();
    const response = await again.fetch('/api/events/orchestrator', { headers: { 'last-event-id': '0' } });
    const reader = response.body?.getReader();
    const mark = Buffer.from(`id: ${count}\n`);
    for (let tail: Buffer = Buffer.alloc(0); !tail.includes(mark);) {
      const { value } = (await reader?.read()) ?? {};
      if (value === undefined) throw new Error('it ended');
      tail = Buffer.concat([tail.subarray(-mark.length), value]);
    }
    const spent = performance.now() - before;
    await reader?.cancel();
    return spent;
  };
  const ratios: number[] = [];
  for (let round = 0; round < 5; round += 1) ratios.push((await alone()) / (await replayed()));
  expect(median(ratios), ratios.map((ratio) => ratio.toFixed(2)).join(' ')).toBeGreaterThan(0.5);
});

/** Closes it, so that the storage can be opened anew. */
async function closed(api: ServedApi): Promise<{ readonly port: number }> {
  const { port } = api;
  await api.close();
  await api.store.close();
  return { port };
}

const median = (values: readonly number[]): number =>
  values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? Number.NaN;
