import { join } from 'node:path';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { openBenchStore } from '../harness/benchStore.ts';
import { Lives } from '../harness/lives.ts';
import { placeSeed, type Seed } from '../harness/seeds.ts';
import { inTurns, type Turn } from '../harness/turns.ts';

const seeds: readonly Seed[] = [
  { tasks: 10, auditRows: 1_000, phase: 'completed' },
  { tasks: 1_000, auditRows: 100_000, phase: 'completed' },
  { tasks: 10_000, auditRows: 1_000_000, phase: 'completed' },
  // Of all tasks, those in the queue are the ones that the engine looks at most often.
  { tasks: 10_000, auditRows: 1_000_000, phase: 'queued' },
];

const livesATurn = 3;

async function run(context: BenchContext): Promise<readonly Row[]> {
  const closing: (() => Promise<void>)[] = [];
  const contenders: Turn[] = [];
  for (const seed of seeds) {
    const directory = join(context.scratch, `${seed.tasks}-${seed.phase}`);
    await placeSeed(context, seed, directory);
    const store = await openBenchStore(directory, context);
    closing.push(() => store.close());
    const engine = await Lives.open(store);
    contenders.push(async () => {
      const startedAt = performance.now();
      let transitions = 0;
      for (let life = 0; life < livesATurn; life += 1) transitions += await engine.live();
      return (performance.now() - startedAt) / transitions;
    });
  }
  const [few = [], many = [], most = [], waiting = []] = await inTurns(context.pairs ?? 10, contenders);
  for (const close of closing) await close();
  const baseline = { name: 'with 10 tasks', values: few };
  const figure = ratioAtMost(1.2);
  return [
    comparison('a transition with 1,000 open tasks, 100,000 audit rows', 'ms', many, baseline, { figure }),
    comparison('with 10,000 open tasks, 1,000,000 audit rows', 'ms', most, baseline, { figure }),
    comparison('with 10,000 tasks that wait in the queue, 1,000,000 audit rows', 'ms', waiting, baseline, {
      figure,
    }),
  ];
}

export const growth: Bench = { title: 'The cost of a transition as a storage grows', run };
