import { emptyAllocation } from '../../src/engine/domain/allocation.ts';
import { taskSchema } from '../../src/engine/protocol/taskSchema.ts';
import { openStore } from '../../src/engine/store/workerStore.ts';
import * as v from 'valibot';

// A process to be killed: opens the store and, when asked to, commits for ever, saying each number once it is durable.
// Arguments: mode (`hold` or `commit`), directory, worker path, wasm path, and for `commit` the task as JSON.

const [mode, directory, workerPath, wasmPath, taskJson] = v.parse(
  v.tupleWithRest([v.picklist(['hold', 'commit']), v.string(), v.string(), v.string()], v.string()),
  process.argv.slice(2),
);

async function run(): Promise<void> {
  const store = await openStore({
    directory,
    workerPath,
    wasmPath,
    repositoryPath: '/repository',
    projectName: 'Repository',
    holder: 'the child of a test',
  });
  const { lastSeq } = await store.load();
  process.stdout.write(`ready ${lastSeq}\n`);
  if (mode === 'hold') return;
  const task = v.parse(taskSchema, JSON.parse(taskJson ?? 'null'));
  for (let seq = lastSeq; ; seq += 2) {
    // Two events and the task in one transaction: half of it on disk would show as an odd number or an old task.
    const at = task.createdAt + seq;
    const event = { type: 'task.paused', taskId: task.id, at, data: { stage: 'specification' } } as const;
    const rows = await store.commit({
      actor: 'engine',
      cause: 'test',
      events: [event, event],
      tasks: [{ ...task, updatedAt: at, retries: seq + 2, description: 'x'.repeat((seq * 3_970) % 400_000) }],
      allocation: { ...emptyAllocation, generation: seq + 2 },
      effects: [{ type: 'clean-up', key: `clean-up:${seq + 2}`, taskId: task.id }],
      settled: [`clean-up:${seq}`],
      bundles: [],
    });
    process.stdout.write(`ack ${rows.at(-1)?.seq}\n`);
  }
}

run().catch((error: unknown) => {
  process.stdout.write(`error ${String(error)}\n`);
  process.exitCode = 1;
});
