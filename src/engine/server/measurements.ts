import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { slotPorts } from '../domain/allocation.ts';
import type { TaskId } from '../domain/ids.ts';
import { isExecuting, totalCostUsd, type Run, type Task } from '../domain/task.ts';
import type { TaskModel } from '../inspection/taskFeed.ts';
import { phaseTypes } from '../protocol/inspector.ts';
import { slotStatus, type SlotStatus } from './shapes.ts';

const slotStatuses: readonly SlotStatus[] = ['free', 'busy', 'idle', 'releasing', 'blocked'];

/** Half a minute to the longest time a stage may take. */
const durationBuckets = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200];

interface Seen {
  readonly phase: Task['phase']['type'];
  readonly isExecuting: boolean;
  /** Runs counted so far: they end in the order they began. */
  readonly endedRuns: number;
  readonly costUsd: number;
}

/** What Prometheus asks for, kept up to date with each change, so that a scrape costs the same however long the history is. */
export class Measurements {
  private readonly registry = new Registry();
  private readonly seen = new Map<TaskId, Seen>();
  private readonly phases = new Map<string, number>();
  private executing = 0;
  private readonly durations: Histogram<'stage'>;
  private readonly ended: Counter<'stage' | 'outcome'>;
  private readonly cost: Counter;
  private readonly subscription: { dispose(): void };

  constructor(tasks: TaskModel, streams: () => number) {
    const registers = [this.registry];
    this.durations = new Histogram({
      name: 'orchestrator_stage_duration_seconds',
      help: 'Time of completed stages.',
      labelNames: ['stage'],
      buckets: durationBuckets,
      registers,
    });
    this.ended = new Counter({
      name: 'orchestrator_stage_runs_total',
      help: 'Stage runs that ended, by outcome.',
      labelNames: ['stage', 'outcome'],
      registers,
    });
    this.cost = new Counter({
      name: 'orchestrator_cost_usd_total',
      help: 'What all stages cost, in USD.',
      registers,
    });
    this.gauge('orchestrator_queue_length', 'Tasks that wait for their turn.', () => [
      [{}, this.phases.get('queued') ?? 0],
    ]);
    this.gauge('orchestrator_running_tasks', 'Tasks that execute; two at most.', () => [
      [{}, this.executing],
    ]);
    this.gauge('orchestrator_event_clients', 'Clients that follow event streams.', () => [[{}, streams()]]);
    this.gauge(
      'orchestrator_tasks',
      'Tasks, by phase.',
      () => phaseTypes.map((phase) => [{ phase }, this.phases.get(phase) ?? 0] as const),
      'phase',
    );
    this.gauge(
      'orchestrator_leases',
      'The three container slots, by state.',
      () => {
        const states = slotPorts.map((port) => slotStatus(tasks.slots()[port]));
        return slotStatuses.map(
          (state) => [{ state }, states.filter((each) => each === state).length] as const,
        );
      },
      'state',
    );
    for (const task of tasks.all()) this.take(task);
    this.subscription = tasks.onDidChange((changed) => {
      for (const task of changed) this.take(task);
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** In the format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  dispose(): void {
    this.subscription.dispose();
  }

  /** Read when it is asked for. */
  private gauge(
    name: string,
    help: string,
    values: () => readonly (readonly [Readonly<Record<string, string>>, number])[],
    ...labelNames: readonly string[]
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [],
      collect() {
        for (const [labels, value] of values()) gauge.set(labels, value);
      },
    });
    this.registry.registerMetric(gauge);
  }

  private take(task: Task): void {
    const before = this.seen.get(task.id);
    const endedRuns = task.runs.filter(({ completedAt }) => completedAt !== null);
    const now: Seen = {
      phase: task.phase.type,
      isExecuting: isExecuting(task),
      endedRuns: endedRuns.length,
      costUsd: totalCostUsd(task),
    };
    this.seen.set(task.id, now);
    if (before !== undefined) this.phases.set(before.phase, (this.phases.get(before.phase) ?? 1) - 1);
    this.phases.set(now.phase, (this.phases.get(now.phase) ?? 0) + 1);
    this.executing += Number(now.isExecuting) - Number(before?.isExecuting ?? false);
    this.cost.inc(Math.max(0, now.costUsd - (before?.costUsd ?? 0)));
    for (const run of endedRuns.slice(before?.endedRuns ?? 0)) this.count(run);
  }

  private count({ stage, status, outcome, startedAt, completedAt }: Run): void {
    this.ended.inc({ stage, outcome: outcome ?? 'internal' });
    if (status === 'completed' && completedAt !== null)
      this.durations.observe({ stage }, (completedAt - startedAt) / 1_000);
  }
}
