import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyAllocation } from '../../src/engine/domain/allocation.ts';
import type { DomainEvent } from '../../src/engine/domain/events.ts';
import { taskIdOf, type TaskId } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { Transition } from '../../src/engine/ports/store.ts';
import { migrations, migrate } from '../../src/engine/store/migrations.ts';
import { saveAllocation } from '../../src/engine/store/sql/allocation.ts';
import { appendAudit, loadAuditHead } from '../../src/engine/store/sql/audit.ts';
import { ensureProject } from '../../src/engine/store/sql/projects.ts';
import { saveTask } from '../../src/engine/store/sql/tasks.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import { openDatabase } from '../../src/engine/store/sqljs/openDatabase.ts';
import type { BenchContext } from './bench.ts';
import { Lives } from './lives.ts';
import { asStore } from './syncStore.ts';

export interface Seed {
  readonly tasks: number;
  readonly auditRows: number;
  /** `completed` tasks rest, but are in memory until someone accepts them; `queued` ones wait to be admitted. */
  readonly phase: 'completed' | 'queued';
}

/** Raised when what is written below changes: an older seed is then made anew. */
const format = 1;

const project = { repositoryPath: '/repository', projectName: 'repository' };

export function storeOptions(directory: string, { distFolder }: Pick<BenchContext, 'distFolder'>) {
  return { directory, ...project, wasmPath: join(distFolder, 'sql-wasm.wasm') };
}

/** Puts a storage with so many tasks and audit rows into the folder; made once, kept under `.bench`. */
export async function placeSeed(context: BenchContext, seed: Seed, directory: string): Promise<void> {
  const { tasks, auditRows, phase } = seed;
  const version = createHash('sha256').update(migrations.join('\n')).digest('hex').slice(0, 8);
  const folder = join(context.root, '.bench', 'seeds');
  const kept = join(folder, `${tasks}-${phase}-${auditRows}-${version}-${format}.db`);
  await mkdir(folder, { recursive: true });
  await mkdir(directory, { recursive: true });
  if (!(await exists(kept))) {
    context.say(`making a storage of ${tasks} tasks and ${auditRows} audit rows`);
    await makeSeed(context, seed, directory);
    await rename(join(directory, 'orchestrator.db'), kept);
    await rm(directory, { recursive: true });
    await mkdir(directory);
  }
  await copyFile(kept, join(directory, 'orchestrator.db'), constants.COPYFILE_FICLONE);
}

/** One transition after the other as an engine commits them in a task's life. */
export async function lifeTransitions(context: BenchContext, lives: number): Promise<readonly Transition[]> {
  const directory = join(context.scratch, 'recorded');
  await mkdir(directory, { recursive: true });
  const store = await SqlStore.open(storeOptions(directory, context));
  const recorded: Transition[] = [];
  const engine = await Lives.open(
    asStore(store, (transition) => {
      recorded.push(transition);
    }),
  );
  for (let life = 0; life < lives; life += 1) await engine.live();
  store.close();
  await rm(directory, { recursive: true });
  return recorded;
}

/** Everything in one transaction: what a storage holds does not depend on how it came there. */
async function makeSeed(context: BenchContext, seed: Seed, directory: string): Promise<void> {
  const life = await lifeTransitions(context, 1);
  const events = life.flatMap((transition) => transition.events);
  const completed = life.flatMap(({ tasks }) => tasks).findLast((task) => task.phase.type === 'completed');
  if (completed === undefined) throw new Error('The recorded life has no completed task');
  const { wasmPath, repositoryPath, projectName: name } = storeOptions(directory, context);
  const database = await openDatabase(wasmPath, { directory, name: 'orchestrator.db', io: nodeFileIo });
  migrate(database, 'orchestrator.db');
  const projectId = ensureProject(database, { repositoryPath, name });
  database.transaction(() => {
    let head = loadAuditHead(database);
    const ids = Array.from({ length: seed.tasks }, (_, index) => numbered(index));
    const perTask = Math.ceil(seed.auditRows / seed.tasks);
    for (const [index, id] of ids.entries()) {
      const left = Math.min(perTask, seed.auditRows - index * perTask);
      const rows = Array.from({ length: left }, (_, row) => eventOf(events, row, id, head.at + 1));
      ({ head } = appendAudit(database, head, rows, { actor: 'engine', cause: 'run-succeeded' }));
      saveTask(database, taskOf(completed, seed, index), projectId, head.seq);
    }
    saveAllocation(database, emptyAllocation);
  });
  database.close();
}

function eventOf(events: readonly DomainEvent[], row: number, taskId: TaskId, at: number): DomainEvent {
  const event = events[row % events.length];
  if (event === undefined) throw new Error('The recorded life is empty');
  return { ...event, taskId, at };
}

/** A copy of it under a number, as if it were a task of its own. */
export function numberedTask(completed: Task, index: number): Task {
  return { ...completed, id: numbered(index), title: `Task ${index}`, createdAt: index, updatedAt: index };
}

function taskOf(completed: Task, { phase }: Seed, index: number): Task {
  const named = numberedTask(completed, index);
  if (phase === 'completed') return named;
  return {
    ...named,
    phase: { type: 'queued', since: index, reason: 'created' },
    stage: 'specification',
    runs: [],
    accepted: {},
    worktree: null,
  };
}

/** Spread as random ones are: the engine's own maps go by the first digits. */
function numbered(index: number): TaskId {
  const digits = createHash('sha256').update(String(index)).digest('hex');
  return taskIdOf(
    `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
