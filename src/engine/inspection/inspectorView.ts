import { slotPorts, type Slot, type SlotPort } from '../domain/allocation.ts';
import type { Run, Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import type { AuditRow } from '../ports/store.ts';
import type {
  AuditRowView,
  BundleHead,
  Change,
  InspectorAction,
  InspectorView,
  RunView,
  TaskView,
} from '../protocol/inspector.ts';
import { reasonOf } from '../protocol/wire.ts';

/** The data of an event is shown as far as a person would read it. */
const longestData = 2_000;

type Slots = Readonly<Record<SlotPort, Slot>>;
type BundleRow = Awaited<ReturnType<Records['bundles']>>[number];

/** What the inspector shows of a task without being asked for more. */
export function inspectorViewOf(task: Task, slots: Slots, bundles: readonly BundleRow[]): InspectorView {
  return {
    task: taskViewOf(task, slots),
    runs: task.runs.map(runViewOf),
    bundles: bundles.map(bundleHeadOf),
  };
}

/** What changed from one view to the next; only this crosses the channel. */
export function changesBetween(before: InspectorView, after: InspectorView): Change[] {
  const changes: Change[] = [];
  const set = changedFields(before.task, after.task);
  if (Object.keys(set).length > 0) changes.push({ type: 'task', set });
  const runs = new Map(before.runs.map((run) => [run.id, run]));
  for (const run of after.runs) {
    const known = runs.get(run.id);
    if (known === undefined || !isSame(known, run)) changes.push({ type: 'run', run });
  }
  const known = new Set(before.bundles.map(bundleKey));
  const added = after.bundles.filter((bundle) => !known.has(bundleKey(bundle)));
  if (added.length > 0) changes.push({ type: 'bundles', added });
  return changes;
}

export function auditRowViewOf({ seq, at, type, actor, cause, data, hash }: AuditRow): AuditRowView {
  const text = JSON.stringify(data, null, 2);
  return {
    seq,
    at,
    type,
    actor,
    cause,
    data: text.length <= longestData ? text : `${text.slice(0, longestData)}…`,
    hash,
  };
}

function taskViewOf(task: Task, slots: Slots): TaskView {
  const { phase } = task;
  return {
    taskId: task.id,
    title: task.title,
    description: task.description,
    phase: phase.type,
    stage: task.stage,
    reason: reasonOf(task),
    needsPerson: ['gate', 'attention', 'paused', 'completed'].includes(phase.type),
    createdAt: task.createdAt,
    branch: task.worktree?.branch ?? null,
    worktree: task.worktree?.path ?? null,
    commit: task.commit,
    port: portOf(task, slots),
    qaRounds: task.qaRounds,
    maxQaRounds: task.settings.maxQaRounds,
    maxBudgetUsd: task.settings.maxBudgetUsd,
    accepted: [task.requestDigest, ...Object.values(task.accepted)],
    actions: [...actionsOf(task, portOf(task, slots))],
  };
}

/** The moves that make sense now, the likeliest first; `port` is of the slot it holds. The engine decides; this only keeps the page from offering what it would refuse. */
export function actionsOf(task: Task, port: number | null): readonly InspectorAction[] {
  const changes: readonly InspectorAction[] = task.worktree === null ? [] : ['show-changes'];
  const hasApp = task.settings.isolation === 'docker' && port !== null;
  const app: readonly InspectorAction[] = hasApp ? ['open-app'] : [];
  switch (task.phase.type) {
    case 'gate':
      return ['approve', 'edit', 'answer', 'send-back', 'cancel'];
    case 'attention':
      return ['retry', 'send-back', 'advance', ...changes, ...app, 'cancel'];
    case 'paused':
      return ['resume', 'send-back', ...changes, ...app, 'cancel'];
    case 'completed':
      return ['accept', ...changes, ...app, 'send-back', 'cancel'];
    case 'backoff':
    case 'parked':
      return ['retry', 'pause', ...changes, 'cancel'];
    case 'queued':
    case 'preparing':
    case 'running':
      return ['pause', ...changes, 'cancel'];
    case 'stopping':
    case 'merging':
    case 'done':
      return changes;
    case 'cancelled':
      return [];
  }
}

function portOf(task: Task, slots: Slots): SlotPort | null {
  const held = slotPorts.find((port) => {
    const slot = slots[port];
    return slot.type === 'leased' && slot.taskId === task.id;
  });
  return held ?? null;
}

function runViewOf(run: Run): RunView {
  const { id, stage, attempt, status, outcome, outputDigest, startedAt, completedAt, costUsd } = run;
  return {
    id,
    stage,
    attempt,
    status,
    outcome,
    inputDigests: [...run.inputDigests],
    outputDigest,
    startedAt,
    completedAt,
    costUsd,
  };
}

const bundleHeadOf = ({ digest, stage, version, runId, createdAt }: BundleRow): BundleHead => ({
  digest,
  stage,
  version,
  runId,
  createdAt,
});

const bundleKey = ({ stage, version }: BundleHead): string => `${stage}/${version}`;

function changedFields(before: TaskView, after: TaskView): Partial<TaskView> {
  const names = Object.keys(after) as (keyof TaskView)[];
  return Object.fromEntries(
    names.filter((name) => !isSame(before[name], after[name])).map((name) => [name, after[name]]),
  );
}

/** Views are plain data in a fixed order of fields. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
