import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { atMost, type BenchContext, measurement, type Row } from '../harness/bench.ts';
import { Listener } from '../harness/listener.ts';
import { slope } from '../harness/statistics.ts';

/** So many at each look: what the first ones cost once for all does not count in a slope. */
const crowds = [200, 1_000, 2_000];

interface Memory {
  /** Live objects and what they hold outside of the heap. */
  readonly held: number;
  readonly rss: number;
}

/** What a client costs the server that has everything and waits, over this storage, which nobody else holds. */
export async function idleRows(context: BenchContext, storage: string): Promise<readonly Row[]> {
  const held: number[] = [];
  const rss: number[] = [];
  for (let turn = 0; turn < Math.min(context.pairs ?? 5, 5); turn += 1) {
    context.say(`idle clients, ${turn + 1}`);
    const memory = await memoryOfCrowds(context, storage);
    const slopeOf = (of: keyof Memory): number =>
      slope(
        crowds,
        memory.map((each) => each[of] / 1024),
      );
    held.push(slopeOf('held'));
    rss.push(slopeOf('rss'));
  }
  const what = `an idle client more, from ${crowds[0]} to ${crowds.at(-1)?.toLocaleString('en')}`;
  const figure = atMost(50);
  return [
    measurement(`${what}: heap and buffers of the server, collected`, 'KB', held, { figure }),
    measurement(`${what}: resident memory of the server`, 'KB', rss, { figure }),
  ];
}

async function memoryOfCrowds(context: BenchContext, storage: string): Promise<readonly Memory[]> {
  const server = new IdleServer(context, storage);
  const { url, token, head } = await server.line<{ url: string; token: string; head: number }>();
  const clients: Listener[] = [];
  const memory: Memory[] = [];
  for (const crowd of crowds) {
    while (clients.length < crowd)
      clients.push(
        ...(await Promise.all(
          // In parts: a listener's backlog is 511.
          Array.from({ length: Math.min(100, crowd - clients.length) }, () =>
            Listener.open(`${url}/api/events/orchestrator`, token, head),
          ),
        )),
      );
    memory.push(await server.memory());
  }
  for (const client of clients) client.close();
  await server.stop();
  return memory;
}

/** The server as a process, and what can be asked of it. */
class IdleServer {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterableIterator<string>;

  constructor({ programs, distFolder }: BenchContext, storage: string) {
    this.child = spawn(
      process.execPath,
      ['--expose-gc', join(programs, 'idleServer.mjs'), distFolder, storage],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    if (this.child.stdout === null) throw new Error('the pipe was asked for');
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  memory(): Promise<Memory> {
    this.child.stdin?.write('\n');
    return this.line();
  }

  async line<Line>(): Promise<Line> {
    const next = await this.lines.next();
    if (next.done === true) throw new Error('The server has ended');
    return JSON.parse(next.value) as Line;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.stdin?.end();
    await exited;
  }
}
