import { assertNever } from './assertNever.ts';
import type { EventData } from './events.ts';
import type { Failure } from './outcome.ts';
import type { Phase, Run, Task, TaskOrigin } from './task.ts';

/** Where an imported task comes to rest: nothing of a board starts by itself, and nothing of it is taken for ours. */
function importedPhase({ status }: TaskOrigin): Phase {
  switch (status) {
    case 'todo':
      return { type: 'paused' };
    case 'inprogress':
    case 'inreview':
      return { type: 'attention', failure: begunElsewhere[status] };
    case 'done':
      return { type: 'done', strategy: 'none' };
    case 'cancelled':
      return { type: 'cancelled' };
    default:
      return assertNever(status);
  }
}

const begunElsewhere: Readonly<Record<'inprogress' | 'inreview', Failure>> = {
  inprogress: {
    code: 'imported',
    message: 'It was in progress on the board it came from; what was done there is not known here.',
    remedy: 'Retry it to have it done here from the specification on, or cancel it.',
  },
  inreview: {
    code: 'imported',
    message: 'It waited for review on the board it came from; its branch is not known here.',
    remedy: 'Retry it to have it done here from the specification on, or cancel it once that work is merged.',
  },
};

/**
 * What becomes of a task that comes from another storage: its history stays, and whatever went on by itself there
 * (turn, container, run, wait, merge) ended with that storage. A person starts it again.
 */
export function movedIn(task: Task, at: number): Partial<Task> | null {
  const phase = phaseAfterMove(task.phase);
  if (phase === task.phase) return null;
  const runs = task.runs.map((run): Run =>
    run.status === 'running' ? { ...run, status: 'cancelled', outcome: 'cancelled', completedAt: at } : run,
  );
  return { phase, runs };
}

function phaseAfterMove(phase: Phase): Phase {
  switch (phase.type) {
    case 'queued':
    case 'preparing':
    case 'running':
    case 'backoff':
    case 'parked':
      return { type: 'paused' };
    case 'stopping':
      return phase.intent === 'cancel' ? { type: 'cancelled' } : { type: 'paused' };
    case 'merging':
      return { type: 'completed' };
    case 'gate':
    case 'attention':
    case 'paused':
    case 'completed':
    case 'done':
    case 'cancelled':
      return phase;
    default:
      return assertNever(phase);
  }
}

/** The task that an import begins. */
export function importedTask(id: Task['id'], data: EventData['task.imported']): Task {
  const { title, description, settings, requestDigest, createdAt, updatedAt, origin } = data;
  return {
    id,
    title,
    description,
    settings,
    priority: 0,
    createdAt,
    updatedAt,
    stage: 'specification',
    phase: importedPhase(origin),
    requestDigest,
    accepted: {},
    notes: [],
    runs: [],
    worktree: null,
    retries: 0,
    budgetFromUsd: 0,
    qaRounds: 0,
    lastFindings: null,
    commit: null,
    origin,
  };
}
