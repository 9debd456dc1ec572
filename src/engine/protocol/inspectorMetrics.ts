import * as v from 'valibot';
import { taskIdSchema } from './taskSchema.ts';

// What passes between the page of the success measures and its host.

/** The five success measures, in their order. */
export const measureIds = [
  'completion',
  'stage-time',
  'utilization',
  'preservation',
  'intervention',
] as const;

export type MeasureId = (typeof measureIds)[number];

/** Rates are 0 to 1, times ms; null = nothing to measure yet. */
const value = v.nullable(v.number());

const measure = v.strictObject({
  id: v.picklist(measureIds),
  value,
  /** Oldest first; `until` is the end of the point's period, epoch ms. */
  trend: v.array(v.strictObject({ until: v.number(), value })),
  /** The tasks behind the number, those that weigh against the target first. */
  tasks: v.array(
    v.strictObject({ taskId: taskIdSchema, title: v.string(), value: v.number(), note: v.string() }),
  ),
  /** How many there are in all; `tasks` may hold only the first. */
  taskCount: v.number(),
});

const metricsView = v.strictObject({
  measures: v.array(measure),
  tasks: v.number(),
  costUsd: v.number(),
  measuredAt: v.number(),
});

const metricsHostMessage = v.variant('type', [
  v.strictObject({ type: v.literal('metrics'), view: metricsView }),
  v.strictObject({ type: v.literal('unavailable'), message: v.string(), remedy: v.nullable(v.string()) }),
]);

const metricsPageMessage = v.variant('type', [
  v.strictObject({ type: v.literal('ready') }),
  v.strictObject({ type: v.literal('open-task'), taskId: taskIdSchema }),
]);

export type Measure = Readonly<v.InferOutput<typeof measure>>;
export type MetricsView = Readonly<v.InferOutput<typeof metricsView>>;
export type MetricsHostMessage = Readonly<v.InferOutput<typeof metricsHostMessage>>;
export type MetricsPageMessage = Readonly<v.InferOutput<typeof metricsPageMessage>>;

/** Null for anything that is not a message of this version. */
export function parseMetricsHostMessage(message: unknown): MetricsHostMessage | null {
  const parsed = v.safeParse(metricsHostMessage, message);
  return parsed.success ? parsed.output : null;
}

/** Null for anything that is not a message of this version. */
export function parseMetricsPageMessage(message: unknown): MetricsPageMessage | null {
  const parsed = v.safeParse(metricsPageMessage, message);
  return parsed.success ? parsed.output : null;
}
