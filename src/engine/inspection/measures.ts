import { digestOfBody } from '../context/digest.ts';
import { metricsOf, type Metrics, type TimedEvent } from '../domain/metrics.ts';
import type { Digest } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { measureIds, type Measure, type MeasureId, type MetricsView } from '../protocol/inspectorMetrics.ts';

/** Rows read at a time: bounded messages however long the history is. */
const pageSize = 1000;
const trendPoints = 12;
/** More nobody reads; how many there are is told. */
const longestList = 100;

type IsStored = (digest: string) => boolean;

/** The five success measures from the records, each with its trend and the tasks behind it. */
export async function measure(records: Records, now: number): Promise<MetricsView> {
  const [tasks, events] = await Promise.all([allTasks(records), allEvents(records)]);
  const stored = await intactBundles(records, tasks);
  const isStored: IsStored = (digest) => stored.has(digest);
  const total = metricsOf(tasks, events, isStored);
  const ofTask = new Map<string, TimedEvent[]>();
  for (const event of events) {
    const own = ofTask.get(event.taskId);
    if (own === undefined) ofTask.set(event.taskId, [event]);
    else own.push(event);
  }
  const eventsOf = (some: readonly Task[]): TimedEvent[] => some.flatMap(({ id }) => ofTask.get(id) ?? []);
  const alone = tasks.map((task) => ({ task, metrics: metricsOf([task], eventsOf([task]), isStored) }));
  const periods = periodsOf(tasks, now);
  const byPeriod = periods.map(({ from, until }) => {
    const created = tasks.filter(({ createdAt }) => createdAt > from && createdAt <= until);
    return metricsOf(created, eventsOf(created), isStored);
  });
  return {
    measures: measureIds.map((id): Measure => {
      const behind = alone.flatMap(({ task, metrics }) => {
        const value = id === 'utilization' ? executingMs(task) : valueOf(id, metrics);
        return value === null
          ? []
          : [{ taskId: task.id, title: task.title, value, note: noteOn(id, task, value) }];
      });
      return {
        id,
        value: valueOf(id, total),
        trend: periods.map(({ until }, index) => {
          const period = byPeriod[index];
          return {
            until,
            value:
              id === 'utilization'
                ? // Tasks share the slots: a group of them alone cannot be measured, the time up to a moment can.
                  metricsOf([], before(events, until), isStored).utilization
                : period === undefined
                  ? null
                  : valueOf(id, period),
          };
        }),
        tasks: behind.toSorted((a, b) => weight(id, b.value) - weight(id, a.value)).slice(0, longestList),
        taskCount: behind.length,
      };
    }),
    tasks: total.tasks,
    costUsd: total.costUsd,
    measuredAt: now,
  };
}

function valueOf(id: MeasureId, metrics: Metrics): number | null {
  switch (id) {
    case 'completion':
      return metrics.completionRate;
    case 'stage-time':
      return metrics.averageStageMs;
    case 'utilization':
      return metrics.utilization;
    case 'preservation':
      return metrics.contextPreservation;
    case 'intervention':
      return metrics.interventionRate;
  }
}

/** What speaks against the target weighs most. */
const weight = (id: MeasureId, value: number): number =>
  id === 'completion' || id === 'preservation' ? -value : value;

function noteOn(id: MeasureId, task: Task, value: number): string {
  switch (id) {
    case 'completion':
      return value === 1 ? 'Completed' : `Not completed: ${task.phase.type}`;
    case 'stage-time':
      return `${task.runs.filter(({ status }) => status === 'completed').length} completed stage runs`;
    case 'utilization':
      return `${task.runs.length} runs`;
    case 'preservation':
      return `${task.runs.reduce((sum, { inputDigests }) => sum + inputDigests.length, 0)} contexts given`;
    case 'intervention':
      return value === 0 ? 'Went by itself' : 'Needed a person';
  }
}

function executingMs(task: Task): number | null {
  const times = task.runs.flatMap(({ startedAt, completedAt }) =>
    completedAt === null ? [] : [completedAt - startedAt],
  );
  return times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0);
}

/** Equal spans from the first task to now; fewer when there is little to tell. */
function periodsOf(tasks: readonly Task[], now: number): { readonly from: number; readonly until: number }[] {
  const first = tasks.reduce((earliest, { createdAt }) => Math.min(earliest, createdAt), now);
  const points = Math.min(trendPoints, tasks.length);
  const span = (now - first) / points;
  return Array.from({ length: points }, (_, index) => ({
    from: index === 0 ? -Infinity : first + index * span,
    until: index === points - 1 ? now : first + (index + 1) * span,
  }));
}

/** Events are in the order of time. */
function before(events: readonly TimedEvent[], until: number): readonly TimedEvent[] {
  const end = events.findIndex(({ at }) => at > until);
  return end === -1 ? events : events.slice(0, end);
}

async function allTasks(records: Records): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  for (let offset = 0; ; offset += pageSize) {
    const page = await records.tasks({ limit: pageSize, offset });
    tasks.push(...page);
    if (page.length < pageSize) return tasks;
  }
}

async function allEvents(records: Records): Promise<readonly TimedEvent[]> {
  const events: TimedEvent[] = [];
  for (let after = 0; ;) {
    const page = await records.audit({ after, limit: pageSize });
    // Only what is measured is kept: the rows of a long history are many times as big.
    for (const { type, taskId, at } of page) events.push({ type, taskId, at });
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return events;
    after = last.seq;
  }
}

async function intactBundles(records: Records, tasks: readonly Task[]): Promise<ReadonlySet<string>> {
  const digests = new Set<Digest>(tasks.flatMap((task) => task.runs.flatMap((run) => run.inputDigests)));
  const stored = new Set<string>();
  for (const digest of digests) {
    const bundle = await records.bundle(digest);
    if (bundle !== null && digestOfBody(bundle.body) === digest) stored.add(digest);
  }
  return stored;
}
