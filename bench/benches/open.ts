import { join } from 'node:path';
import { auditHash } from '../../src/engine/store/auditChain.ts';
import { listAuditLinks } from '../../src/engine/store/sql/audit.ts';
import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import { openDatabase } from '../../src/engine/store/sqljs/openDatabase.ts';
import {
  atMost,
  type Bench,
  type BenchContext,
  comparison,
  measurement,
  type Row,
} from '../harness/bench.ts';
import { openBenchStore } from '../harness/benchStore.ts';
import { NativeSqlite } from '../harness/nativeSqlite.ts';
import { placeSeed, type Seed, storeOptions } from '../harness/seeds.ts';
import { inTurns, timed } from '../harness/turns.ts';

const seed: Seed = { tasks: 10_000, auditRows: 1_000_000, phase: 'completed' };
const verified = 1_000;
/** A query takes less than a clock can tell. */
const queries = 50;

async function run(context: BenchContext): Promise<readonly Row[]> {
  const turns = context.pairs ?? 15;
  const native = await NativeSqlite.start(context);
  const [directory, theirs] = [join(context.scratch, 'ours'), join(context.scratch, 'theirs')];
  await placeSeed(context, seed, directory);
  await placeSeed(context, seed, theirs);
  const open = () => openBenchStore(directory, context);
  const file = join(theirs, 'orchestrator.db');
  const [opened, nativeOpened] = await inTurns(turns, [
    async () => {
      const startedAt = performance.now();
      const store = await open();
      const ms = performance.now() - startedAt;
      await store.close();
      // A process opens a storage once: the next turn must not find what V8 compiled for this one.
      globalThis.gc?.();
      return ms;
    },
    async () => {
      const ms = await native.open('opening', 'node:sqlite', file);
      await native.close('opening');
      return ms;
    },
  ]);

  const store = await open();
  await native.open('reading', 'node:sqlite', file);
  const after = seed.auditRows - 100;
  const [latest, nativeLatest] = await inTurns(turns, [
    async () =>
      (await timed(async () => {
        for (let time = 0; time < queries; time += 1) await store.audit({ after, limit: 100 });
      })) / queries,
    () =>
      native.query(
        'reading',
        'SELECT * FROM orchestrator_audit WHERE seq > ? ORDER BY seq LIMIT 100',
        [after],
        queries,
      ),
  ]);
  const loaded = await inTurns(Math.min(turns, 5), [() => timed(() => store.load())]);
  await store.close();

  const { wasmPath } = storeOptions(directory, context);
  const database = await openDatabase(wasmPath, { directory, name: 'orchestrator.db', io: nodeFileIo });
  const from = seed.auditRows - verified;
  const [verify, nativeVerify] = await inTurns(turns, [
    () =>
      timed(() => {
        let previous = listAuditLinks(database, from - 1, 1)[0]?.hash;
        for (const { columns, hash } of listAuditLinks(database, from, verified)) {
          if (
            columns === null ||
            previous === undefined ||
            Buffer.compare(auditHash(previous, columns), hash) !== 0
          )
            throw new Error('The chain does not fit');
          previous = hash;
        }
      }),
    () => native.verify('reading', from, verified),
  ]);
  database.close();
  native.stop();
  const against = (values: readonly number[]) => ({ name: '`node:sqlite`', values });
  return [
    comparison('open a storage of 1,000,000 audit rows', 'ms', opened, against(nativeOpened), {
      figure: atMost(150),
      ifMissed:
        'nothing of it depends on the history. A third is Node’s start of a thread and the reading, checking and compiling of the WebAssembly; a third V8’s first pass through SQLite’s functions, each compiled when it is first called, whether for the scratch file that proves that commits are synced or for the storage itself; the rest the thread’s own code, the lock and the fsyncs of that scratch file. To compile beside the thread’s start was tried: no difference that could be seen.',
    }),
    comparison('its latest 100 rows', 'ms', latest, against(nativeLatest), { figure: atMost(2) }),
    comparison('verify its last 1,000 rows', 'ms', verify, against(nativeVerify)),
    measurement('load its 10,000 open tasks, each one validated', 'ms', loaded[0]),
  ];
}

export const open: Bench = { title: 'A long history: opening, reading and verifying it', run };
