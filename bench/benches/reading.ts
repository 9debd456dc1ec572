import { join } from 'node:path';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { openBenchStore } from '../harness/benchStore.ts';
import { placeSeed, type Seed } from '../harness/seeds.ts';
import { inTurns, timed, type Turn } from '../harness/turns.ts';

const few: Seed = { tasks: 100, auditRows: 10_000, phase: 'completed' };
const many: Seed = { tasks: 10_000, auditRows: 1_000_000, phase: 'completed' };

/** In one turn: a single look is shorter than what a machine is disturbed by. */
const looksATurn = 20;
const pageSize = 100;
const auditRowsShown = 100;

const looks = {
  show: 'one task by the beginning of its id (`show`)',
  newest: 'the newest 100 tasks (`tasks`)',
  oldest: 'the oldest 100 of them',
  audit: 'the first 100 audit rows of a task (`audit`)',
} as const;

/** What the commands `tasks`, `show` and `audit TASK` read, here by the task: listing more tasks is more to list. */
async function readers(
  context: BenchContext,
  seed: Seed,
  closing: (() => Promise<void>)[],
): Promise<Readonly<Record<keyof typeof looks, Turn>>> {
  const directory = join(context.scratch, String(seed.tasks));
  await placeSeed(context, seed, directory);
  const store = await openBenchStore(directory, context);
  closing.push(() => store.close());
  const [newest] = await store.tasks({ limit: 1, offset: 0 });
  if (newest === undefined) throw new Error('The storage is empty');
  const several = (look: () => Promise<unknown>): Turn => {
    return async () =>
      (await timed(async () => {
        for (let count = 0; count < looksATurn; count += 1) await look();
      })) / looksATurn;
  };
  const last = Math.max(0, seed.tasks - pageSize);
  return {
    show: several(async () => {
      const [id] = await store.taskIdsWithPrefix(newest.id.slice(0, 8), 2);
      if (id === undefined) throw new Error('The task is gone');
      await store.task(id);
    }),
    newest: several(() => store.tasks({ limit: pageSize, offset: 0 })),
    oldest: several(() => store.tasks({ limit: pageSize, offset: last })),
    audit: several(() => store.audit({ taskId: newest.id, after: 0, limit: auditRowsShown })),
  };
}

async function run(context: BenchContext): Promise<readonly Row[]> {
  const closing: (() => Promise<void>)[] = [];
  const atFew = await readers(context, few, closing);
  const atMany = await readers(context, many, closing);
  const rows: Row[] = [];
  for (const look of Object.keys(looks) as (keyof typeof looks)[]) {
    const [ours, baseline] = await inTurns(context.pairs ?? 20, [atMany[look], atFew[look]]);
    rows.push(
      comparison(
        `${looks[look]}, of 10,000 tasks with 1,000,000 audit rows`,
        'ms',
        ours,
        { name: 'of 100 tasks', values: baseline },
        { figure: ratioAtMost(1.2) },
      ),
    );
  }
  for (const close of closing) await close();
  return rows;
}

export const reading: Bench = { title: 'Looking into a storage as it grows', run };
