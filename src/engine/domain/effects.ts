import { type Allocation, leaseOf, type SlotPort } from './allocation.ts';
import type { DomainEvent } from './events.ts';
import type { LeaseId, RunId, TaskId } from './ids.ts';
import { idleLeaseLimitMs } from './policy.ts';
import type { State } from './state.ts';
import { isFinal, type MergeStrategy } from './task.ts';

interface EffectData {
  /** Make the worktree and the workspace of a lease. */
  prepare: { readonly leaseId: LeaseId; readonly port: SlotPort };
  run: { readonly leaseId: LeaseId; readonly runId: RunId };
  /** End a run, or (null) the preparation under way. */
  stop: { readonly leaseId: LeaseId; readonly runId: RunId | null };
  release: { readonly leaseId: LeaseId };
  'expire-lease': { readonly leaseId: LeaseId; readonly until: number };
  merge: { readonly strategy: MergeStrategy };
  /** Remove the worktree of a final task if nothing in it would be lost. */
  'clean-up': Readonly<Record<never, never>>;
  wait: { readonly until: number };
  'recheck-slot': { readonly port: SlotPort; readonly until: number };
}

export type EffectType = keyof EffectData;

/**
 * Work in the world that an event calls for. Carried out after the event is on disk, idempotent by `key`, and reported
 * back as a command. An effect without an outcome is issued again when the engine starts.
 */
export type Effect = {
  readonly [Type in EffectType]: {
    readonly type: Type;
    /** At most one effect of a key is open at any time. */
    readonly key: string;
    readonly taskId: TaskId;
  } & EffectData[Type];
}[EffectType];

const keys = {
  prepare: (taskId: TaskId) => `prepare:${taskId}`,
  run: (runId: RunId) => `run:${runId}`,
  stop: (taskId: TaskId) => `stop:${taskId}`,
  release: (leaseId: LeaseId) => `release:${leaseId}`,
  expireLease: (leaseId: LeaseId) => `expire-lease:${leaseId}`,
  merge: (taskId: TaskId) => `merge:${taskId}`,
  cleanUp: (taskId: TaskId) => `clean-up:${taskId}`,
  wait: (taskId: TaskId) => `wait:${taskId}`,
  recheckSlot: (port: SlotPort) => `recheck-slot:${port}`,
};

/** The effects an event calls for, given the states around it. */
export function effectsOf(before: State, event: DomainEvent, after: State): readonly Effect[] {
  return [...directEffects(event, after), ...expiryEffects(before.allocation, event, after.allocation)];
}

function directEffects(event: DomainEvent, after: State): readonly Effect[] {
  const { taskId } = event;
  switch (event.type) {
    case 'task.admitted':
      return [{ type: 'prepare', key: keys.prepare(taskId), taskId, ...event.data }];
    case 'run.started': {
      const { leaseId, runId } = event.data;
      return [{ type: 'run', key: keys.run(runId), taskId, leaseId, runId }];
    }
    case 'task.stop-requested': {
      const { leaseId, runId } = event.data;
      return [{ type: 'stop', key: keys.stop(taskId), taskId, leaseId, runId }];
    }
    case 'lease.releasing':
      return [
        { type: 'release', key: keys.release(event.data.leaseId), taskId, leaseId: event.data.leaseId },
      ];
    case 'merge.requested':
      return [{ type: 'merge', key: keys.merge(taskId), taskId, strategy: event.data.strategy }];
    case 'task.backoff':
    case 'task.parked':
      return [{ type: 'wait', key: keys.wait(taskId), taskId, until: event.data.until }];
    case 'slot.blocked': {
      const { port, until } = event.data;
      return [{ type: 'recheck-slot', key: keys.recheckSlot(port), taskId, port, until }];
    }
    case 'task.accepted':
    case 'task.cancelled':
      // A container still has the worktree mounted: its release comes first.
      return leaseOf(after.allocation, taskId) === null ? cleanUp(taskId, after) : [];
    case 'lease.released':
      return cleanUp(taskId, after);
    default:
      return [];
  }
}

function cleanUp(taskId: TaskId, state: State): readonly Effect[] {
  const task = state.tasks.get(taskId);
  if (task === undefined || !isFinal(task) || task.worktree === null) return [];
  return [{ type: 'clean-up', key: keys.cleanUp(taskId), taskId }];
}

function expiryEffects(before: Allocation, event: DomainEvent, after: Allocation): readonly Effect[] {
  const { taskId } = event;
  const lease = leaseOf(after, taskId);
  if (lease === null) return [];
  const slot = after.slots[lease.port];
  const earlier = before.slots[lease.port];
  if (slot.type !== 'leased' || slot.idleSince === null) return [];
  if (earlier.type === 'leased' && earlier.leaseId === slot.leaseId && earlier.idleSince !== null) return [];
  const until = slot.idleSince + idleLeaseLimitMs;
  return [
    { type: 'expire-lease', key: keys.expireLease(lease.leaseId), taskId, leaseId: lease.leaseId, until },
  ];
}

/** Keys of the effects that have their outcome, or no longer matter, once this event has happened. */
export function settledBy(event: DomainEvent): readonly string[] {
  const { taskId } = event;
  switch (event.type) {
    case 'task.admitted':
      return [keys.expireLease(event.data.leaseId)];
    case 'workspace.ready':
    case 'workspace.failed':
      return [keys.prepare(taskId), keys.stop(taskId)];
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return [keys.run(event.data.runId), keys.stop(taskId)];
    case 'task.queued':
    case 'task.paused':
    case 'task.cancelled':
      return [keys.wait(taskId)];
    case 'lease.releasing':
      return [keys.expireLease(event.data.leaseId)];
    case 'lease.released':
      return [keys.release(event.data.leaseId)];
    case 'slot.unblocked':
      return [keys.recheckSlot(event.data.port)];
    case 'merge.failed':
    case 'task.accepted':
      return [keys.merge(taskId)];
    case 'worktree.removed':
    case 'worktree.kept':
      return [keys.cleanUp(taskId)];
    default:
      return [];
  }
}
