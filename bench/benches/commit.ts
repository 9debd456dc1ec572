import { join } from 'node:path';
import type { Transition } from '../../src/engine/ports/store.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { Database, type SqlValue } from '../../src/engine/store/sqljs/database.ts';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { openBenchStore } from '../harness/benchStore.ts';
import { type Library, NativeSqlite, type Statement } from '../harness/nativeSqlite.ts';
import { lifeTransitions, placeSeed, type Seed, storeOptions } from '../harness/seeds.ts';
import { inTurns, timed, type Turn } from '../harness/turns.ts';

/** Two lives of a task: what an engine really commits, small and large. */
const livesATurn = 2;
/** V8 compiles SQLite's WebAssembly and the store's code for speed only after some hundred commits. */
const warmUps = 15;

const sizes: readonly { readonly name: string; readonly seed: Seed }[] = [
  { name: 'empty', seed: { tasks: 10, auditRows: 10, phase: 'completed' } },
  { name: '300 MB', seed: { tasks: 10_000, auditRows: 1_000_000, phase: 'completed' } },
];

const whereItGoes =
  'the disk takes 0.5 to 0.65 ms of each commit for the same four fsyncs, whoever asks. Beside that, timed call by call over 360 commits, ours computes 0.45 to 0.6 ms where native SQLite, given its statements ready made, computes 0.16; its other file calls take 0.2 ms; and the database’s thread costs 0.35: 0.1 to 0.15 until it has the transition, as much until its answer is back, and 0.1 since it computes slower than a thread that is never woken. With native at 0.8 ms the figure leaves 0.55 for all of these together. A profile on tmpfs says what is computed: 37 % SQLite in WebAssembly, 22 % the file calls it makes, 15 % handing values over to it, 6 % the look for foreign writes, 4 % hashing audit rows. Of file calls ours makes 20 and native 55: none is left to save. Statements of our own in the place of sql.js’s, which hand all values over in one piece, were tried: 0.1 ms less, which is not enough.';

const libraries: readonly Library[] = ['node:sqlite', 'better-sqlite3'];

async function run(context: BenchContext): Promise<readonly Row[]> {
  const native = await NativeSqlite.start(context);
  const turns = context.pairs ?? 20;
  const transitions = await lifeTransitions(context, (turns + warmUps) * livesATurn);
  const perTurn = transitions.length / (turns + warmUps);
  const contenders: Turn[] = [];
  const closing: (() => Promise<unknown>)[] = [];
  for (const { name, seed } of sizes) {
    const place = async (who: string): Promise<string> => {
      const directory = join(context.scratch, `${who}-${name}`.replaceAll(/\W/g, '-'));
      await placeSeed(context, seed, directory);
      return directory;
    };
    const statements = await recordStatements(context, await place('recorded'), transitions);
    const store = await openBenchStore(await place('ours'), context);
    closing.push(() => store.close());
    contenders.push(async (turn) => {
      const batch = batchOf(transitions, turn, perTurn);
      const ms = await timed(async () => {
        for (const transition of batch) await store.commit(transition);
      });
      return ms / batch.length;
    });
    for (const library of libraries) {
      const key = `${library}-${name}`;
      await native.open(key, library, join(await place(library), 'orchestrator.db'));
      closing.push(() => native.close(key));
      contenders.push((turn) => native.commit(key, batchOf(statements, turn, perTurn)));
    }
  }
  const [
    oursEmpty = [],
    sqliteEmpty = [],
    betterEmpty = [],
    oursFull = [],
    sqliteFull = [],
    betterFull = [],
  ] = await inTurns(turns, contenders, warmUps);
  for (const close of closing) await close();
  native.stop();
  const against = (values: readonly number[], name: string) => ({ name, values });
  return [
    comparison('a durable commit, empty storage', 'ms', oursEmpty, against(sqliteEmpty, '`node:sqlite`'), {
      figure: ratioAtMost(1.5),
      ifMissed: whereItGoes,
    }),
    comparison('the same', 'ms', oursEmpty, against(betterEmpty, 'better-sqlite3'), {
      figure: ratioAtMost(1.5),
      ifMissed: whereItGoes,
    }),
    comparison('a durable commit at 300 MB', 'ms', oursFull, against(sqliteFull, '`node:sqlite`'), {
      figure: ratioAtMost(1.5),
      ifMissed: whereItGoes,
    }),
    comparison('the same', 'ms', oursFull, against(betterFull, 'better-sqlite3'), {
      figure: ratioAtMost(1.5),
      ifMissed: whereItGoes,
    }),
    comparison('a durable commit at 300 MB', 'ms', oursFull, against(oursEmpty, 'ours, empty'), {
      figure: ratioAtMost(1.7),
    }),
  ];
}

function batchOf<Item>(items: readonly Item[], turn: number, size: number): readonly Item[] {
  const first = (turn + warmUps) * size;
  return items.slice(first, first + size);
}

/** better-sqlite3 takes `?1` for a name: each becomes a `?` with a value of its own. */
function unnumbered(sql: string, params: readonly SqlValue[]): Statement {
  const numbers = [...sql.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number));
  if (numbers.length === 0) return [sql, params];
  return [sql.replaceAll(/\?\d+/g, '?'), numbers.map((number) => params[number - 1] ?? null)];
}

/** What our store says to SQLite for each transition, on a storage of the same content. */
async function recordStatements(
  context: BenchContext,
  directory: string,
  transitions: readonly Transition[],
): Promise<readonly (readonly Statement[])[]> {
  const store = await SqlStore.open(storeOptions(directory, context));
  const { run: original } = Database.prototype;
  let current: Statement[] = [];
  Database.prototype.run = function record(sql, params) {
    current.push(unnumbered(sql, params ?? []));
    original.call(this, sql, params);
  };
  try {
    return transitions.map((transition) => {
      current = [];
      store.commit(transition);
      return current;
    });
  } finally {
    Database.prototype.run = original;
    store.close();
  }
}

export const commit: Bench = { title: 'A durable commit of a transition, against native SQLite', run };
