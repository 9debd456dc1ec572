import * as v from 'valibot';
import { importCommandSchema, personCommandSchema } from '../protocol/personCommand.ts';
import { failureCodes } from '../domain/outcome.ts';
import type { Notice } from '../notice.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { AuditRow, NewBundle } from '../ports/store.ts';
import { digestSchema, runIdSchema, stageSchema, taskIdSchema, taskSchema } from '../protocol/taskSchema.ts';
import { slotsSchema } from '../store/allocationSchema.ts';

/** Raised when a message changes: two releases must not misunderstand each other. */
export const protocolVersion = 3;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const newBundleSchema = v.strictObject({
  digest: digestSchema,
  taskId: taskIdSchema,
  runId: v.nullable(runIdSchema),
  stage: v.union([stageSchema, v.literal('request')]),
  body: v.string(),
}) satisfies v.GenericSchema<unknown, NewBundle>;

const request = <Method extends string, Params extends v.GenericSchema>(method: Method, params: Params) =>
  v.strictObject({ id: natural, method: v.literal(method), params });

/** What the second process asks of the one that holds the storage; one JSON line each. */
export const requestSchema = v.variant('method', [
  request('hello', v.strictObject({ version: natural })),
  request('dispatch', v.strictObject({ command: personCommandSchema, bundles: v.array(newBundleSchema) })),
  request('importTasks', v.strictObject({ command: importCommandSchema, bundles: v.array(newBundleSchema) })),
  request('importArchive', v.strictObject({ path: v.string() })),
  request('settled', v.strictObject({ taskId: taskIdSchema })),
  request('subscribe', v.strictObject({})),
  request('task', v.strictObject({ taskId: taskIdSchema })),
  request('taskIdsWithPrefix', v.strictObject({ prefix: v.string(), limit: natural })),
  request('tasks', v.strictObject({ limit: natural, offset: natural })),
  request('bundle', v.strictObject({ digest: digestSchema })),
  request('bundles', v.strictObject({ taskId: taskIdSchema })),
  request('audit', v.strictObject({ taskId: v.exactOptional(taskIdSchema), after: natural, limit: natural })),
  request('verifyAudit', v.strictObject({})),
  request('damage', v.strictObject({})),
]);

export type EngineRequest = v.InferOutput<typeof requestSchema>;

const rowSchema = v.strictObject({
  seq: natural,
  at: v.number(),
  taskId: taskIdSchema,
  // Of the same release, as `hello` made sure; a type is looked at, never called.
  type: v.custom<AuditRow['type']>((value) => typeof value === 'string'),
  actor: v.picklist(['person', 'engine']),
  cause: v.string(),
  data: v.unknown(),
  hash: v.string(),
}) satisfies v.GenericSchema<unknown, AuditRow>;

const errorEntries = { code: v.string(), message: v.string(), remedy: v.nullable(v.string()) };

/** A notice of the holder's engine, as it passes to a follower. */
export const sharedNoticeSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('committed'),
    rows: v.array(rowSchema),
    tasks: v.array(taskSchema),
    slots: slotsSchema,
  }),
  v.strictObject({
    type: v.literal('activity'),
    taskId: taskIdSchema,
    runId: runIdSchema,
    activity: v.strictObject({ type: v.picklist(['says', 'does', 'waits', 'denied']), text: v.string() }),
  }),
  v.strictObject({ type: v.literal('failed'), ...errorEntries }),
]);

export type SharedNotice = v.InferOutput<typeof sharedNoticeSchema>;

/** The answer to `subscribe`. */
export const subscribedSchema = v.strictObject({ slots: slotsSchema });

/** Lines to the second process: answers by the request's id, and notices once it has subscribed. */
export const replySchema = v.variant('type', [
  v.strictObject({ type: v.literal('result'), id: natural, result: v.unknown() }),
  v.strictObject({ type: v.literal('error'), id: natural, ...errorEntries }),
  v.strictObject({ type: v.literal('notice'), notice: sharedNoticeSchema }),
]);

export type EngineReply = v.InferOutput<typeof replySchema>;

/** An error as it passes between processes. */
export function sharedError(error: unknown): {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
} {
  const known = OrchestratorError.is(error) ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  return { code: known?.code ?? 'internal', message, remedy: known?.remedy ?? null };
}

export function errorOfShared(shared: ReturnType<typeof sharedError>): Error {
  const known = [...failureCodes, 'bad-input' as const].find((candidate) => candidate === shared.code);
  if (known === undefined) return new Error(shared.message);
  return new OrchestratorError(
    known,
    shared.message,
    shared.remedy === null ? {} : { remedy: shared.remedy },
  );
}

export function sharedNotice(notice: Notice): object {
  return notice.type === 'failed' ? { type: 'failed', ...sharedError(notice.error) } : notice;
}

export function noticeOfShared(shared: SharedNotice): Notice {
  return shared.type === 'failed' ? { type: 'failed', error: errorOfShared(shared) } : shared;
}
