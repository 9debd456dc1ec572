import * as v from 'valibot';
import { digestOf, taskIdOf } from '../domain/ids.ts';
import { latestInstant, nearestInstant } from '../domain/instant.ts';
import type { LeaseId, RunId } from '../domain/ids.ts';
import { failureCodes } from '../domain/outcome.ts';
import type { Failure } from '../domain/outcome.ts';
import { stages } from '../domain/stage.ts';
import type {
  Phase,
  Run,
  StageSettings,
  Task,
  TaskOrigin,
  TaskSettings,
  TaskWorktree,
} from '../domain/task.ts';

// The domain's types as they lie in the database and pass between processes. Strict: a field too many or too few means that the row is not what
// this version wrote. `test/unit/store/taskSchema.test.ts` proves the types equal.

export const taskIdSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  v.transform(taskIdOf),
);
export const digestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(digestOf));
export const leaseIdSchema = v.custom<LeaseId>(
  (value) => typeof value === 'string' && /^\d+\.\d+$/.test(value),
);
export const runIdSchema = v.custom<RunId>(
  (value) =>
    typeof value === 'string' && /^[0-9a-f-]{36}\/(specification|implementation|qa)-\d+$/.test(value),
);
export const stageSchema = v.picklist(stages);
export const mergeStrategySchema = v.picklist(['squash', 'merge', 'none']);
const integer = v.pipe(v.number(), v.safeInteger());

/** A time that can be shown: whole epoch ms. */
export const instantSchema = v.pipe(integer, v.minValue(0), v.maxValue(latestInstant));

/** A time that was worked out from what a service said: earlier versions kept parts of a millisecond. */
const waitSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(latestInstant), v.transform(nearestInstant));

/** Any number as the time that can be shown. */
const mendedInstantSchema = v.pipe(v.number(), v.transform(nearestInstant));

type TimeSchema = v.GenericSchema<unknown, number>;

const stageSettingsSchema = v.strictObject({
  model: v.nullable(v.string()),
  maxTurns: integer,
  maxBudgetUsd: v.number(),
  timeoutMs: v.number(),
  allowedTools: v.array(v.string()),
}) satisfies v.GenericSchema<unknown, StageSettings>;

/** A task's settings, complete; those of earlier versions knew no budget of a whole task. */
export const taskSettingsSchema = v.strictObject({
  isolation: v.picklist(['docker', 'process']),
  baseBranch: v.nullable(v.string()),
  testCommand: v.nullable(v.string()),
  setupCommand: v.nullable(v.string()),
  copyFiles: v.array(v.string()),
  gates: v.array(v.literal('specification')),
  maxQaRounds: integer,
  maxBudgetUsd: v.optional(v.nullable(v.number()), null),
  trustRepository: v.boolean(),
  claudePath: v.nullable(v.string()),
  image: v.nullable(v.string()),
  stages: v.strictObject({
    specification: stageSettingsSchema,
    implementation: stageSettingsSchema,
    qa: stageSettingsSchema,
  }),
}) satisfies v.GenericSchema<unknown, TaskSettings>;

/** Where an imported task came from. */
export const originSchema = v.strictObject({
  board: v.literal('vibe-kanban'),
  project: v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
    name: v.string(),
    repositoryPath: v.string(),
  }),
  status: v.picklist(['todo', 'inprogress', 'inreview', 'done', 'cancelled']),
  parentAttempt: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/))),
  parentTask: v.nullable(taskIdSchema),
}) satisfies v.GenericSchema<unknown, TaskOrigin>;

const worktreeSchema = v.strictObject({
  path: v.string(),
  branch: v.string(),
  baseBranch: v.nullable(v.string()),
  baseCommit: v.string(),
}) satisfies v.GenericSchema<unknown, TaskWorktree>;

const runSchemaOf = (instant: TimeSchema) =>
  v.strictObject({
    id: runIdSchema,
    stage: stageSchema,
    attempt: integer,
    status: v.picklist(['running', 'completed', 'failed', 'cancelled']),
    outcome: v.nullable(v.picklist(['success', 'cancelled', ...failureCodes])),
    inputDigests: v.array(digestSchema),
    outputDigest: v.nullable(digestSchema),
    sessionId: v.nullable(v.string()),
    containerPort: v.nullable(integer),
    startedAt: instant,
    completedAt: v.nullable(instant),
    costUsd: v.number(),
  }) satisfies v.GenericSchema<unknown, Run>;

const failureSchemaOf = (wait: TimeSchema) =>
  v.strictObject({
    code: v.picklist(failureCodes),
    message: v.string(),
    remedy: v.exactOptional(v.string()),
    notBefore: v.exactOptional(wait),
  }) satisfies v.GenericSchema<unknown, Failure>;

const phaseSchemaOf = (instant: TimeSchema, wait: TimeSchema) => {
  const failureSchema = failureSchemaOf(wait);
  return v.variant('type', [
    v.strictObject({
      type: v.literal('queued'),
      since: instant,
      reason: v.picklist([
        'created',
        'approved',
        'retry',
        'backoff-over',
        'resumed',
        'sent-back',
        'advanced',
        'slot-blocked',
      ]),
    }),
    v.strictObject({ type: v.literal('preparing'), leaseId: leaseIdSchema }),
    v.strictObject({ type: v.literal('running'), leaseId: leaseIdSchema, runId: runIdSchema }),
    v.strictObject({
      type: v.literal('stopping'),
      leaseId: leaseIdSchema,
      runId: v.nullable(runIdSchema),
      intent: v.picklist(['cancel', 'pause']),
    }),
    v.strictObject({ type: v.literal('gate'), stage: v.literal('specification'), digest: digestSchema }),
    v.strictObject({ type: v.literal('backoff'), until: wait, failure: failureSchema }),
    v.strictObject({ type: v.literal('parked'), until: wait, failure: failureSchema }),
    v.strictObject({ type: v.literal('attention'), failure: failureSchema }),
    v.strictObject({ type: v.literal('paused') }),
    v.strictObject({ type: v.literal('completed') }),
    v.strictObject({ type: v.literal('merging'), strategy: mergeStrategySchema }),
    v.strictObject({ type: v.literal('done'), strategy: mergeStrategySchema }),
    v.strictObject({ type: v.literal('cancelled') }),
  ]) satisfies v.GenericSchema<unknown, Phase>;
};

const taskSchemaOf = (instant: TimeSchema, wait: TimeSchema) =>
  v.strictObject({
    id: taskIdSchema,
    title: v.string(),
    description: v.string(),
    settings: taskSettingsSchema,
    priority: v.number(),
    createdAt: instant,
    updatedAt: instant,
    stage: stageSchema,
    phase: phaseSchemaOf(instant, wait),
    requestDigest: digestSchema,
    accepted: v.strictObject({
      specification: v.exactOptional(digestSchema),
      implementation: v.exactOptional(digestSchema),
      qa: v.exactOptional(digestSchema),
    }),
    notes: v.array(
      v.strictObject({
        stage: stageSchema,
        text: v.string(),
        about: v.exactOptional(digestSchema),
        at: instant,
      }),
    ),
    runs: v.array(runSchemaOf(instant)),
    worktree: v.nullable(worktreeSchema),
    retries: integer,
    budgetFromUsd: v.optional(v.number(), 0),
    qaRounds: integer,
    lastFindings: v.nullable(v.string()),
    commit: v.nullable(v.string()),
    origin: v.exactOptional(originSchema),
  }) satisfies v.GenericSchema<unknown, Task>;

/** A task, as it comes from another process or an export. */
export const taskSchema = taskSchemaOf(instantSchema, waitSchema);

/** A stored task. What an earlier version took in with a time that cannot be shown is there to stay, and must not keep the others from being read. */
export const storedTaskSchema = taskSchemaOf(mendedInstantSchema, mendedInstantSchema);
