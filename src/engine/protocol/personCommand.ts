import * as v from 'valibot';
import type { ImportCommand, PersonCommand } from '../domain/commands.ts';
import {
  digestSchema,
  mergeStrategySchema,
  originSchema,
  taskIdSchema,
  taskSettingsSchema,
} from './taskSchema.ts';

const move = <Type extends PersonCommand['type']>(type: Type) =>
  v.strictObject({ type: v.literal(type), taskId: taskIdSchema });

/** A person's move, as it comes from another process. */
export const personCommandSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('create'),
    taskId: taskIdSchema,
    title: v.string(),
    description: v.string(),
    priority: v.number(),
    settings: taskSettingsSchema,
    requestDigest: digestSchema,
    paused: v.exactOptional(v.literal(true)),
  }),
  move('approve'),
  move('advance'),
  move('retry'),
  v.strictObject({ type: v.literal('send-back'), taskId: taskIdSchema, note: v.string() }),
  v.strictObject({ type: v.literal('edit-specification'), taskId: taskIdSchema, digest: digestSchema }),
  v.strictObject({ type: v.literal('set-priority'), taskId: taskIdSchema, priority: v.number() }),
  v.strictObject({
    type: v.literal('change-settings'),
    taskId: taskIdSchema,
    settings: taskSettingsSchema,
  }),
  move('release-container'),
  move('pause'),
  move('resume'),
  move('cancel'),
  v.strictObject({ type: v.literal('accept'), taskId: taskIdSchema, strategy: mergeStrategySchema }),
]) satisfies v.GenericSchema<unknown, PersonCommand>;

const instant = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Tasks of another board, as they come from another process. */
export const importCommandSchema = v.strictObject({
  type: v.literal('import'),
  tasks: v.array(
    v.strictObject({
      taskId: taskIdSchema,
      title: v.string(),
      description: v.string(),
      settings: taskSettingsSchema,
      requestDigest: digestSchema,
      createdAt: instant,
      updatedAt: instant,
      origin: originSchema,
    }),
  ),
}) satisfies v.GenericSchema<unknown, ImportCommand>;
