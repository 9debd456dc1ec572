import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { emptyAllocation } from '../../src/engine/domain/allocation.ts';
import type { DomainEvent } from '../../src/engine/domain/events.ts';
import { digestOf, leaseIdOf, runIdOf, taskIdOf } from '../../src/engine/domain/ids.ts';
import type { TaskId } from '../../src/engine/domain/ids.ts';
import type { StageSettings, Task } from '../../src/engine/domain/task.ts';
import type { NewBundle, Transition } from '../../src/engine/ports/store.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { Database } from '../../src/engine/store/sqljs/database.ts';
import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import type { FileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import { loadSqlite } from '../../src/engine/store/sqljs/sqlite.ts';

export const wasmPath = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm');

/** A folder that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'orch-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The store in this thread, closed after the test. */
export async function openTestStore(directory: string, io: FileIo = nodeFileIo): Promise<SqlStore> {
  const store = await SqlStore.open(
    { directory, repositoryPath: '/repository', projectName: 'Repository', wasmPath },
    io,
  );
  onTestFinished(() => store.close());
  return store;
}

/** The file without the store: for looking at rows and for tampering with them. */
export async function openRawDatabase(directory: string, name = 'orchestrator.db'): Promise<Database> {
  const database = new Database(await loadSqlite(wasmPath), { directory, name, io: nodeFileIo });
  onTestFinished(() => database.close());
  return database;
}

const stage: StageSettings = {
  model: null,
  maxTurns: 50,
  maxBudgetUsd: 2.5,
  timeoutMs: 1_800_000,
  allowedTools: ['Bash(make *)'],
};

const someDigest = digestOf('a'.repeat(64));

/** A new task in the queue. */
export function queuedTask(changes: Partial<Task> = {}): Task {
  return {
    id: taskIdOf(randomUUID()),
    title: 'Add a clock',
    description: 'It shows the time.',
    settings: {
      isolation: 'docker',
      baseBranch: 'main',
      testCommand: 'npm test',
      setupCommand: null,
      copyFiles: ['.env'],
      gates: ['specification'],
      maxQaRounds: 3,
      maxBudgetUsd: 12.5,
      trustRepository: false,
      claudePath: null,
      image: null,
      stages: { specification: { ...stage, model: 'opus' }, implementation: stage, qa: stage },
    },
    priority: 0,
    createdAt: 1_700_000_000_000,
    updatedAt: 1_700_000_000_000,
    stage: 'specification',
    phase: { type: 'queued', since: 1_700_000_000_000, reason: 'created' },
    requestDigest: someDigest,
    accepted: {},
    notes: [],
    runs: [],
    worktree: null,
    retries: 0,
    budgetFromUsd: 0,
    qaRounds: 0,
    lastFindings: null,
    commit: null,
    ...changes,
  };
}

/** A task in its second stage, with every field that can be filled. */
export function runningTask(changes: Partial<Task> = {}): Task {
  const task = queuedTask(changes);
  const runId = runIdOf(task.id, 'implementation', 1);
  return {
    ...task,
    title: 'Zähler «größer» 时钟 🕰 "quoted"\n\\ \u0000\u2028',
    stage: 'implementation',
    phase: { type: 'running', leaseId: leaseIdOf(8081, 7), runId },
    accepted: { specification: someDigest },
    notes: [{ stage: 'specification', text: 'Also the date.', at: 1_700_000_000_500 }],
    runs: [
      {
        id: runIdOf(task.id, 'specification', 1),
        stage: 'specification',
        attempt: 1,
        status: 'completed',
        outcome: 'success',
        inputDigests: [someDigest],
        outputDigest: someDigest,
        sessionId: 'session-1',
        containerPort: 8081,
        startedAt: 1_700_000_000_100,
        completedAt: 1_700_000_000_400,
        costUsd: 0.1234567,
      },
      {
        id: runId,
        stage: 'implementation',
        attempt: 1,
        status: 'running',
        outcome: null,
        inputDigests: [someDigest, someDigest],
        outputDigest: null,
        sessionId: null,
        containerPort: null,
        startedAt: 1_700_000_000_600,
        completedAt: null,
        costUsd: 0,
      },
    ],
    worktree: {
      path: '/worktrees/clock',
      branch: 'task/clock',
      baseBranch: null,
      baseCommit: 'c'.repeat(40),
    },
    retries: 1,
    budgetFromUsd: 1.25,
    qaRounds: 2,
    lastFindings: 'fingerprint',
    commit: 'd'.repeat(40),
    ...changes,
  };
}

export function queuedEvent(taskId: TaskId, at = 1_700_000_000_000): DomainEvent {
  return { type: 'task.queued', taskId, at, data: { stage: 'specification', reason: 'created' } };
}

/** A transition that saves the task with one event. */
export function transitionOf(task: Task, changes: Partial<Transition> = {}): Transition {
  return {
    actor: 'person',
    cause: 'create',
    events: [queuedEvent(task.id, task.updatedAt)],
    tasks: [task],
    allocation: emptyAllocation,
    effects: [],
    settled: [],
    bundles: [],
    ...changes,
  };
}

export function bundleOf(taskId: TaskId, body: string, changes: Partial<NewBundle> = {}): NewBundle {
  const digest = digestOf(createHash('sha256').update(body, 'utf8').digest('hex'));
  return { digest, taskId, runId: null, stage: 'request', body, ...changes };
}
