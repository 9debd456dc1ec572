import * as v from 'valibot';
import { personCommandSchema } from '../protocol/personCommand.ts';
import type { NewBundle } from '../ports/store.ts';
import { digestSchema, runIdSchema, stageSchema, taskIdSchema } from '../protocol/taskSchema.ts';

/** Raised when a message changes: two releases must not misunderstand each other. */
export const protocolVersion = 1;

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
  request('settled', v.strictObject({ taskId: taskIdSchema })),
  request('task', v.strictObject({ taskId: taskIdSchema })),
  request('taskIdsWithPrefix', v.strictObject({ prefix: v.string(), limit: natural })),
  request('tasks', v.strictObject({ limit: natural, offset: natural })),
  request('bundle', v.strictObject({ digest: digestSchema })),
  request('bundles', v.strictObject({ taskId: taskIdSchema })),
  request('audit', v.strictObject({ taskId: v.exactOptional(taskIdSchema), after: natural, limit: natural })),
  request('verifyAudit', v.strictObject({})),
]);

export type EngineRequest = v.InferOutput<typeof requestSchema>;

export const replySchema = v.variant('type', [
  v.strictObject({ type: v.literal('result'), id: natural, result: v.unknown() }),
  v.strictObject({
    type: v.literal('error'),
    id: natural,
    code: v.string(),
    message: v.string(),
    remedy: v.nullable(v.string()),
  }),
]);

export type EngineReply = v.InferOutput<typeof replySchema>;
