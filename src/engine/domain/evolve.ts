import { type Allocation, slotPorts, type Slot, type SlotPort } from './allocation.ts';
import { importedTask, movedIn } from './arrival.ts';
import { assertNever } from './assertNever.ts';
import { allowsAnotherBudget } from './budget.ts';
import { acceptedWith } from './context.ts';
import type { DomainEvent, EventData } from './events.ts';
import type { RunId, TaskId } from './ids.ts';
import { requeued } from './queue.ts';
import type { State } from './state.ts';
import { nextStage } from './stage.ts';
import { isExecuting, type Phase, type Run, type Task, totalCostUsd } from './task.ts';

/** The state after the event. Total and pure: replaying the events of a storage gives the state it had. */
export function evolve(state: State, event: DomainEvent): State {
  const before = state.tasks.get(event.taskId);
  const task = before === undefined ? createdBy(event) : evolveTask(before, event);
  const slots = evolveSlots(state.allocation, event);
  if (task === undefined) return { ...state, allocation: slots };
  return {
    tasks: state.tasks.with(task),
    allocation: follow(slots, task, event.at),
    queue: requeued(state.queue, before, task),
  };
}

function createdBy(event: DomainEvent): Task | undefined {
  // Events of slots and leases may outlive the task they name: final tasks leave the state.
  if (event.type === 'task.imported') return importedTask(event.taskId, event.data);
  if (event.type !== 'task.created') return undefined;
  const { title, description, priority, settings, requestDigest } = event.data;
  return {
    id: event.taskId,
    title,
    description,
    settings,
    priority,
    createdAt: event.at,
    updatedAt: event.at,
    stage: 'specification',
    phase: { type: 'queued', since: event.at, reason: 'created' },
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
  };
}

function evolveTask(task: Task, event: DomainEvent): Task {
  const change = changeOf(task, event);
  return change === null ? task : { ...task, ...change, updatedAt: event.at };
}

/** What the event changes in its task; null for events of slots and leases. */
function changeOf(task: Task, event: DomainEvent): Partial<Task> | null {
  switch (event.type) {
    case 'task.created':
    case 'task.imported':
      return null;
    case 'task.moved-in':
      return movedIn(task, event.at);
    case 'task.queued': {
      const { stage, reason } = event.data;
      const phase: Phase = { type: 'queued', since: event.at, reason };
      if (reason === 'backoff-over' || reason === 'slot-blocked') return { phase, stage };
      return allowsAnotherBudget(task, reason)
        ? { phase, stage, retries: 0, budgetFromUsd: totalCostUsd(task) }
        : { phase, stage, retries: 0 };
    }
    case 'task.admitted':
      return { phase: { type: 'preparing', leaseId: event.data.leaseId } };
    case 'workspace.ready':
      return { worktree: event.data.worktree };
    case 'workspace.failed':
      return {};
    case 'run.started':
      return {
        stage: event.data.stage,
        phase: { type: 'running', leaseId: event.data.leaseId, runId: event.data.runId },
        runs: [...task.runs, startedRun(event.data, event.at)],
      };
    case 'run.completed':
      return {
        ...withRun(task, event.data.runId, completedRun(event.data, event.at)),
        retries: 0,
        commit: event.data.commit,
      };
    case 'run.failed':
      return withRun(task, event.data.runId, {
        status: 'failed',
        outcome: event.data.failure.code,
        outputDigest: event.data.outputDigest,
        sessionId: event.data.sessionId,
        costUsd: event.data.costUsd,
        completedAt: event.at,
      });
    case 'run.cancelled':
      return withRun(task, event.data.runId, {
        status: 'cancelled',
        outcome: 'cancelled',
        sessionId: event.data.sessionId,
        costUsd: event.data.costUsd,
        completedAt: event.at,
      });
    case 'context.accepted':
      return { accepted: acceptedWith(task, event.data.stage, event.data.digest) };
    case 'gate.opened':
      return { phase: { type: 'gate', stage: event.data.stage, digest: event.data.digest } };
    case 'specification.edited':
      return task.phase.type === 'gate' ? { phase: { ...task.phase, digest: event.data.digest } } : null;
    case 'task.prioritized':
      return { priority: event.data.priority };
    case 'task.settings-changed':
      return { settings: event.data.settings };
    case 'rework.requested':
      // Another stage begins, to which QA's own tries are nothing.
      return { retries: 0, qaRounds: event.data.round, lastFindings: event.data.findings };
    case 'task.backoff':
      return {
        phase: { type: 'backoff', until: event.data.until, failure: event.data.failure },
        retries: event.data.retry,
      };
    case 'task.parked':
      return { phase: { type: 'parked', until: event.data.until, failure: event.data.failure } };
    case 'task.needs-attention':
      // The stage may be one that could not begin: a retry begins there.
      return { stage: event.data.stage, phase: { type: 'attention', failure: event.data.failure } };
    case 'task.stop-requested':
      return { phase: { type: 'stopping', ...event.data } };
    case 'task.paused':
      return { phase: { type: 'paused' } };
    case 'task.sent-back': {
      const { stage, note: text, ...about } = event.data;
      return {
        stage,
        notes: [...task.notes, { stage, text, ...about, at: event.at }],
        // A person's note is a new beginning: neither old rounds nor old findings count against it.
        qaRounds: 0,
        lastFindings: null,
      };
    }
    case 'task.advanced':
      return { stage: nextStage(event.data.stage) ?? event.data.stage };
    case 'task.completed':
      return { phase: { type: 'completed' }, commit: event.data.commit };
    case 'task.cancelled':
      return { phase: { type: 'cancelled' } };
    case 'merge.requested':
      return { phase: { type: 'merging', strategy: event.data.strategy } };
    case 'merge.failed':
      return { phase: { type: 'completed' } };
    case 'task.accepted':
      return {
        phase: { type: 'done', strategy: event.data.strategy },
        commit: event.data.commit ?? task.commit,
      };
    case 'lease.releasing':
    case 'lease.released':
    case 'worktree.removed':
    case 'worktree.kept':
    case 'slot.blocked':
    case 'slot.unblocked':
      return null;
    default:
      return assertNever(event);
  }
}

function startedRun(data: EventData['run.started'], at: number): Run {
  return {
    id: data.runId,
    stage: data.stage,
    attempt: data.attempt,
    status: 'running',
    outcome: null,
    inputDigests: data.inputDigests,
    outputDigest: null,
    sessionId: null,
    containerPort: data.containerPort,
    startedAt: at,
    completedAt: null,
    costUsd: 0,
  };
}

function completedRun(data: EventData['run.completed'], at: number): Partial<Run> {
  return {
    status: 'completed',
    outcome: 'success',
    outputDigest: data.outputDigest,
    sessionId: data.sessionId,
    costUsd: data.costUsd,
    completedAt: at,
  };
}

function withRun(task: Task, runId: RunId, change: Partial<Run>): Pick<Task, 'runs'> {
  return { runs: task.runs.map((run) => (run.id === runId ? { ...run, ...change } : run)) };
}

function evolveSlots(allocation: Allocation, event: DomainEvent): Allocation {
  switch (event.type) {
    case 'task.admitted': {
      const { port, leaseId } = event.data;
      const isNew = allocation.slots[port].type !== 'leased';
      return {
        ...withSlot(allocation, port, { type: 'leased', leaseId, taskId: event.taskId, idleSince: null }),
        generation: allocation.generation + (isNew ? 1 : 0),
      };
    }
    case 'lease.releasing':
      return withSlot(allocation, event.data.port, {
        type: 'releasing',
        leaseId: event.data.leaseId,
        taskId: event.taskId,
      });
    case 'task.moved-in':
      return withoutLeases(allocation, event.taskId);
    case 'lease.released':
    case 'slot.unblocked':
      return withSlot(allocation, event.data.port, { type: 'free' });
    case 'slot.blocked':
      return withSlot(allocation, event.data.port, {
        type: 'blocked',
        holder: event.data.holder,
        until: event.data.until,
      });
    default:
      return allocation;
  }
}

/** What a task held in the storage it came from it does not hold here. */
function withoutLeases(allocation: Allocation, taskId: TaskId): Allocation {
  return slotPorts.reduce((rest, port) => {
    const slot = rest.slots[port];
    const isHeld = (slot.type === 'leased' || slot.type === 'releasing') && slot.taskId === taskId;
    return isHeld ? withSlot(rest, port, { type: 'free' }) : rest;
  }, allocation);
}

function withSlot(allocation: Allocation, port: SlotPort, slot: Slot): Allocation {
  return { ...allocation, slots: { ...allocation.slots, [port]: slot } };
}

/** Executing set and idle times follow from what the task does now, so they cannot disagree with it. */
function follow(allocation: Allocation, task: Task, at: number): Allocation {
  const executes = isExecuting(task);
  const others = allocation.executing.filter((id) => id !== task.id);
  let next: Allocation = allocation;
  if (executes !== others.length < allocation.executing.length) {
    next = { ...next, executing: executes ? [...others, task.id] : others };
  }
  for (const port of slotPorts) {
    const slot = next.slots[port];
    if (slot.type !== 'leased' || slot.taskId !== task.id) continue;
    if (executes === (slot.idleSince === null)) continue;
    next = withSlot(next, port, { ...slot, idleSince: executes ? null : at });
  }
  return next;
}
