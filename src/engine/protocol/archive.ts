import * as v from 'valibot';
import {
  digestSchema,
  instantSchema,
  runIdSchema,
  stageSchema,
  taskIdSchema,
  taskSchema,
} from './taskSchema.ts';

// The file of `orchestrator export`, one JSON object a line; docs/interop.md describes it for other programs.

/** Raised when a line changes its meaning: an older release then says so instead of misunderstanding. */
export const archiveFormat = 1;

/** The first line's `type`, by which such a file is known. */
export const archiveType = 'orchestrator-export';

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Of any format: what tells whether the rest can be read. */
export const archiveHeadSchema = v.looseObject({ type: v.literal(archiveType), format: natural });

const headerSchema = v.strictObject({
  type: v.literal(archiveType),
  format: v.literal(archiveFormat),
  /** ISO 8601, UTC. */
  exported_at: v.string(),
  repository: v.strictObject({ path: v.string(), name: v.string() }),
});

const auditSchema = v.strictObject({
  type: v.literal('audit'),
  seq: v.pipe(natural, v.minValue(1)),
  /** Epoch ms, as the hash covers it. */
  at: instantSchema,
  task_id: taskIdSchema,
  event: v.string(),
  actor: v.picklist(['person', 'engine']),
  cause: v.string(),
  data: v.unknown(),
  hash: sha256,
});

/** A task as it was after the audit rows; of two lines for one task the later counts. */
const taskLineSchema = v.strictObject({ type: v.literal('task'), task: taskSchema });

const contextSchema = v.strictObject({
  type: v.literal('context'),
  task_id: taskIdSchema,
  run_id: v.nullable(runIdSchema),
  stage: v.union([stageSchema, v.literal('request')]),
  version: v.pipe(natural, v.minValue(1)),
  digest: digestSchema,
  created_at: instantSchema,
  body: v.string(),
});

const endSchema = v.strictObject({
  type: v.literal('end'),
  /** Lines before this one. */
  lines: natural,
  /** Lower-case hex, of all bytes before this line. */
  sha256,
});

export const archiveLineSchema = v.variant('type', [
  headerSchema,
  auditSchema,
  taskLineSchema,
  contextSchema,
  endSchema,
]);

export type ArchiveLine = v.InferOutput<typeof archiveLineSchema>;
export type ArchiveLineOf<Type extends ArchiveLine['type']> = Extract<ArchiveLine, { readonly type: Type }>;
