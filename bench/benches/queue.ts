import {
  atMost,
  type Bench,
  type BenchContext,
  comparison,
  measurement,
  ratioAtMost,
  type Row,
} from '../harness/bench.ts';
import { ownCpuMs } from '../harness/cpu.ts';
import { EngineRoom } from '../harness/engineRoom.ts';
import { aroundTheCli, ofShortStages, onTwoCores } from '../harness/reasons.ts';
import { gapsOf, placeStandIn } from '../harness/standIn.ts';
import { summarize } from '../harness/statistics.ts';
import { timed } from '../harness/turns.ts';

const count = 100;
const atOnce = 2;

async function run(context: BenchContext): Promise<readonly Row[]> {
  const claudePath = await placeStandIn(context);
  const room = await EngineRoom.open(context, {
    settings: { isolation: 'process', claudePath },
    baseUrl: null,
  });
  const alone: number[] = [];
  const gaps: number[] = [];
  const one = async (): Promise<number> => {
    let task: Awaited<ReturnType<EngineRoom['complete']>> | undefined;
    const ms = await timed(async () => {
      task = await room.complete();
    });
    if (task !== undefined) await room.finish(task);
    gaps.push(...(await gapsOf(`${claudePath}.times`)));
    return ms;
  };
  await one();
  gaps.length = 0;
  for (let turn = 0; turn < (context.pairs ?? 10); turn += 1) alone.push(await one());
  context.say(`${count} tasks, ${atOnce} at a time`);
  const before = ownCpuMs();
  const wall = await timed(() => Promise.all(Array.from({ length: count }, () => room.complete())));
  const cpu = ownCpuMs() - before;
  await room.close();
  const ideal = alone.map((ms) => (count / atOnce) * ms);
  return [
    measurement('from a CLI’s end to the next one’s start, on the host', 'ms', gaps, {
      figure: atMost(50),
      ifMissed: aroundTheCli,
    }),
    measurement('one task of three instant stages', 'ms', alone),
    {
      ...comparison(
        `${count} of them, ${atOnce} at a time`,
        'ms',
        ideal.map(() => wall),
        { name: `${count / atOnce} times one`, values: ideal },
        { figure: ratioAtMost(1 / 0.9), ifMissed: onTwoCores },
      ),
      // Measured once, and set against each of the single ones.
      ours: summarize([wall]),
    },
    measurement('the engine’s own CPU meanwhile', '% of wall', [(cpu / wall) * 100], {
      figure: atMost(5),
      ifMissed: ofShortStages,
    }),
  ];
}

export const queue: Bench = { title: 'A full queue, with a CLI that answers at once', run };
