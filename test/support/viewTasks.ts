import { digestOf, leaseIdOf, runIdOf, type TaskId, taskIdOf } from '../../src/engine/domain/ids.ts';
import type { Failure } from '../../src/engine/domain/outcome.ts';
import type { Phase, Run, Task } from '../../src/engine/domain/task.ts';
import { queuedTask } from './storeFixtures.ts';

/** A moment for views: noon of some day. */
export const noon = new Date(2026, 10, 22, 12, 0).getTime();

export function idOf(number: number): TaskId {
  return taskIdOf(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
}

const failure: Failure = {
  code: 'authentication',
  message: 'Claude Code is not signed in.',
  remedy: 'Sign in.',
};

/** One of every phase there is; the compiler asks for the new ones. */
const phases: Readonly<Record<Phase['type'], Phase>> = {
  queued: { type: 'queued', since: noon, reason: 'created' },
  preparing: { type: 'preparing', leaseId: leaseIdOf(8081, 1) },
  running: {
    type: 'running',
    leaseId: leaseIdOf(8081, 1),
    runId: runIdOf(idOf(1), 'specification', 1),
  },
  stopping: { type: 'stopping', leaseId: leaseIdOf(8081, 1), runId: null, intent: 'pause' },
  gate: { type: 'gate', stage: 'specification', digest: digestOf('b'.repeat(64)) },
  backoff: { type: 'backoff', until: noon + 60_000, failure },
  parked: { type: 'parked', until: noon + 3_600_000, failure },
  attention: { type: 'attention', failure },
  paused: { type: 'paused' },
  completed: { type: 'completed' },
  merging: { type: 'merging', strategy: 'squash' },
  done: { type: 'done', strategy: 'squash' },
  cancelled: { type: 'cancelled' },
};

export const phaseTypes = Object.keys(phases) as readonly Phase['type'][];

/** Task number so and so in this phase. */
export function taskIn(phase: Phase['type'], number = 1, changes: Partial<Task> = {}): Task {
  return queuedTask({
    id: idOf(number),
    title: `Task ${number}`,
    createdAt: noon + number,
    updatedAt: noon + number,
    phase: phases[phase],
    ...changes,
  });
}

/** A run that began at noon; running unless said otherwise. */
export function runOf(changes: Partial<Run> = {}): Run {
  return {
    id: runIdOf(idOf(1), 'specification', 1),
    stage: 'specification',
    attempt: 1,
    status: 'running',
    outcome: null,
    inputDigests: [],
    outputDigest: null,
    sessionId: null,
    containerPort: 8081,
    startedAt: noon,
    completedAt: null,
    costUsd: 0,
    ...changes,
  };
}
