import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { makeSampleRepository } from '../../test/support/sampleRepository.ts';
import { atMost, type Bench, type BenchContext, measurement, type Row } from '../harness/bench.ts';
import { placeSeed } from '../harness/seeds.ts';

/** Long enough to see whatever happens once a minute. */
const watchedMs = 65_000;

async function run(context: BenchContext): Promise<readonly Row[]> {
  const storage = join(context.scratch, 'storage');
  await placeSeed(context, { tasks: 10_000, auditRows: 1_000_000, phase: 'completed' }, storage);
  const repository = await makeSampleRepository(join(context.scratch, 'sample'));
  await mkdir(join(context.scratch, 'home'));
  const program = join(context.root, 'bench', 'programs', 'rest.mjs');
  const start = (...args: readonly string[]): Promise<Resting> =>
    Resting.start(program, args, join(context.scratch, 'home'));
  const [engine, empty] = [await start(context.distFolder, storage, repository), await start()];
  const before = [await engine.callbacks(), await empty.callbacks()] as const;
  context.say(`watching an engine at rest for ${watchedMs / 1000} s`);
  await delay(watchedMs);
  // Asking makes callbacks too, in both alike.
  const after = [await engine.callbacks(), await empty.callbacks()] as const;
  const memory = engine.memory() - empty.memory();
  await Promise.all([engine.stop(), empty.stop()]);
  const wakeUps = after[0] - before[0] - (after[1] - before[1]);
  return [
    measurement('memory of an engine at rest with 10,000 open tasks, above an empty Node', 'MB', [memory], {
      figure: atMost(80),
      ifMissed:
        'V8’s own numbers after a minute of rest: the tasks are 34 MB of live heap in the engine’s thread; 30 MB are the room for young objects that V8 made there while they were loaded, empty since, and given back neither by rest nor by a collection; 16 MB are the heap of the database’s thread; what remains is SQLite’s memory and code.',
    }),
    measurement('its callbacks in a minute', '', [(Math.max(0, wakeUps) * 60_000) / watchedMs], {
      figure: atMost(1),
    }),
  ];
}

/** A program that waits, and what can be asked of it. */
class Resting {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterableIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterableIterator<string>) {
    this.child = child;
    this.lines = lines;
  }

  /** Resolves when it has come to rest. */
  static async start(program: string, args: readonly string[], home: string): Promise<Resting> {
    const child = spawn(process.execPath, ['--expose-gc', program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, HOME: home },
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const resting = new Resting(child, lines);
    await resting.line();
    return resting;
  }

  async callbacks(): Promise<number> {
    this.child.stdin?.write('\n');
    return Number(await this.line());
  }

  /** Resident, in MB. */
  memory(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    this.child.stdin?.end();
    await once(this.child, 'exit');
  }

  private async line(): Promise<string> {
    const next = await this.lines.next();
    if (next.done === true) throw new Error('The program has ended');
    return next.value;
  }
}

export const rest: Bench = { title: 'An engine that has nothing to do', run };
