import type { EventType } from './events.ts';
import type { Stage } from './stage.ts';
import type { Task } from './task.ts';
import { maxExecuting } from './allocation.ts';

/** What the measures need of an event. */
export interface TimedEvent {
  readonly type: EventType;
  readonly taskId: string;
  readonly at: number;
}

/** The five success measures, each computed from the records. Null = nothing to measure yet. */
export interface Metrics {
  /** Of the tasks that came to an end or to a halt: how many completed. Target > 0.9. */
  readonly completionRate: number | null;
  /** Mean time of a completed stage, in ms. Target < 30 minutes. */
  readonly averageStageMs: number | null;
  readonly averageMsByStage: Readonly<Record<Stage, number | null>>;
  /** Executing time over two slots' time while anything waited or ran. Target > 0.7. */
  readonly utilization: number | null;
  /** Of the contexts that runs were given: how many are a recorded, stored result of the same task. Target 1. */
  readonly contextPreservation: number | null;
  /** Of the tasks that were started: how many needed a person. Target < 0.1. */
  readonly interventionRate: number | null;
  readonly tasks: number;
  readonly costUsd: number;
}

/** `isStored`: whether the database holds the bundle of a digest, bytes and all. */
export function metricsOf(
  tasks: readonly Task[],
  events: readonly TimedEvent[],
  isStored: (digest: string) => boolean,
): Metrics {
  // What another board did with a task says nothing about this engine; from its first run here on it counts.
  const imported = new Set(events.filter(({ type }) => type === 'task.imported').map(({ taskId }) => taskId));
  tasks = tasks.filter(({ id, runs }) => runs.length > 0 || !imported.has(id));
  const runs = tasks.flatMap((task) => task.runs);
  const durations = runs.flatMap(({ stage, status, startedAt, completedAt }) =>
    status === 'completed' && completedAt !== null ? [{ stage, ms: completedAt - startedAt }] : [],
  );
  const byStage = (stage: Stage): number | null =>
    mean(durations.filter((each) => each.stage === stage).map(({ ms }) => ms));
  const atRest = tasks.filter(({ phase }) =>
    ['completed', 'done', 'attention', 'cancelled', 'merging'].includes(phase.type),
  );
  const completed = atRest.filter(({ phase }) => ['completed', 'done', 'merging'].includes(phase.type));
  const started = tasks.filter((task) => task.runs.length > 0);
  const troubled = new Set(
    events.filter(({ type }) => type === 'task.needs-attention').map(({ taskId }) => taskId),
  );
  return {
    completionRate: ratio(completed.length, atRest.length),
    averageStageMs: mean(durations.map(({ ms }) => ms)),
    averageMsByStage: {
      specification: byStage('specification'),
      implementation: byStage('implementation'),
      qa: byStage('qa'),
    },
    utilization: utilizationOf(events),
    contextPreservation: preservationOf(tasks, isStored),
    interventionRate: ratio(started.filter(({ id }) => troubled.has(id)).length, started.length),
    tasks: tasks.length,
    costUsd: runs.reduce((sum, { costUsd }) => sum + costUsd, 0),
  };
}

function preservationOf(tasks: readonly Task[], isStored: (digest: string) => boolean): number | null {
  let given = 0;
  let preserved = 0;
  for (const task of tasks) {
    // What a person wrote into the specification is a recorded result as well.
    const yielded = new Set<string>([task.requestDigest, ...Object.values(task.accepted)]);
    for (const run of task.runs) {
      given += run.inputDigests.length;
      preserved += run.inputDigests.filter((digest) => yielded.has(digest) && isStored(digest)).length;
      if (run.outputDigest !== null) yielded.add(run.outputDigest);
    }
  }
  return ratio(preserved, given);
}

/** What an event says about how its task stands with the two execution slots; undefined = nothing. */
const standing: Partial<Record<EventType, 'waits' | 'executes' | 'neither'>> = {
  'task.created': 'waits',
  'task.queued': 'waits',
  'task.admitted': 'executes',
  'gate.opened': 'neither',
  'task.backoff': 'neither',
  'task.parked': 'neither',
  'task.needs-attention': 'neither',
  'task.paused': 'neither',
  'task.completed': 'neither',
  'task.cancelled': 'neither',
  'task.moved-in': 'neither',
};

function utilizationOf(history: readonly TimedEvent[]): number | null {
  // What came from another storage stands behind what was here, and happened before some of it.
  const events = history.some(({ type }) => type === 'task.moved-in')
    ? history.toSorted((a, b) => a.at - b.at)
    : history;
  const now = new Map<string, 'waits' | 'executes'>();
  let last = events[0]?.at ?? 0;
  let executing = 0;
  let used = 0;
  let offered = 0;
  for (const { type, taskId, at } of events) {
    used += executing * (at - last);
    offered += now.size > 0 ? maxExecuting * (at - last) : 0;
    last = at;
    const next = standing[type];
    if (next === undefined) continue;
    const before = now.get(taskId);
    executing += Number(next === 'executes') - Number(before === 'executes');
    if (next === 'neither') now.delete(taskId);
    else now.set(taskId, next);
  }
  return ratio(used, offered);
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const mean = (values: readonly number[]): number | null =>
  ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );
