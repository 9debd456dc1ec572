// One bench in a process of its own, so that each has a heap of its own and a profile shows it alone: `node one.mjs NAME RESULT [PAIRS]`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { benches } from './benches/all.ts';
import { type BenchResult, Skipped } from './harness/bench.ts';

const [name = '', result = '', pairs] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) throw new Error(`There is no bench ${name}`);
const root = resolve(import.meta.dirname, '../..');
const scratch = await mkdtemp(join(tmpdir(), `orch-bench-${name}-`));
const startedAt = performance.now();
const seconds = (): number => (performance.now() - startedAt) / 1000;
try {
  const rows = await bench.run({
    pairs: pairs === undefined ? null : Number(pairs),
    scratch,
    distFolder: join(root, 'dist'),
    root,
    programs: import.meta.dirname,
    say: (text) => process.stderr.write(`  ${seconds().toFixed(1).padStart(6)} s  ${text}\n`),
  });
  await save({ type: 'measured', rows, seconds: seconds() });
} catch (error) {
  if (!(error instanceof Skipped)) throw error;
  await save({ type: 'skipped', why: error.message });
} finally {
  await rm(scratch, { recursive: true, force: true });
}
// Whatever a bench left open must not keep the next one waiting.
process.exit(0);

function save(outcome: BenchResult): Promise<void> {
  return writeFile(result, JSON.stringify(outcome));
}
