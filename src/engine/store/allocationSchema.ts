import * as v from 'valibot';
import type { Allocation, Slot, Slots } from '../domain/allocation.ts';
import { leaseIdSchema, taskIdSchema } from '../protocol/taskSchema.ts';

const slotSchema = v.variant('type', [
  v.strictObject({ type: v.literal('free') }),
  v.strictObject({
    type: v.literal('leased'),
    leaseId: leaseIdSchema,
    taskId: taskIdSchema,
    idleSince: v.nullable(v.number()),
  }),
  v.strictObject({ type: v.literal('releasing'), leaseId: leaseIdSchema, taskId: taskIdSchema }),
  v.strictObject({ type: v.literal('blocked'), holder: v.string(), until: v.number() }),
]) satisfies v.GenericSchema<unknown, Slot>;

export const slotsSchema = v.strictObject({
  8081: slotSchema,
  8082: slotSchema,
  8083: slotSchema,
}) satisfies v.GenericSchema<unknown, Slots>;

/** The stored allocation. */
export const allocationSchema = v.strictObject({
  slots: slotsSchema,
  generation: v.pipe(v.number(), v.safeInteger()),
  executing: v.array(taskIdSchema),
}) satisfies v.GenericSchema<unknown, Allocation>;
