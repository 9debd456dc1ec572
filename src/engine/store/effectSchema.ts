import * as v from 'valibot';
import { slotPorts } from '../domain/allocation.ts';
import type { Effect } from '../domain/effects.ts';
import { leaseIdSchema, mergeStrategySchema, runIdSchema, taskIdSchema } from '../protocol/taskSchema.ts';

const common = { key: v.string(), taskId: taskIdSchema };
const portSchema = v.picklist(slotPorts);

/** A stored effect. */
export const effectSchema = v.variant('type', [
  v.strictObject({ type: v.literal('prepare'), ...common, leaseId: leaseIdSchema, port: portSchema }),
  v.strictObject({ type: v.literal('run'), ...common, leaseId: leaseIdSchema, runId: runIdSchema }),
  v.strictObject({
    type: v.literal('stop'),
    ...common,
    leaseId: leaseIdSchema,
    runId: v.nullable(runIdSchema),
  }),
  v.strictObject({ type: v.literal('release'), ...common, leaseId: leaseIdSchema }),
  v.strictObject({ type: v.literal('expire-lease'), ...common, leaseId: leaseIdSchema, until: v.number() }),
  v.strictObject({ type: v.literal('merge'), ...common, strategy: mergeStrategySchema }),
  v.strictObject({ type: v.literal('clean-up'), ...common }),
  v.strictObject({ type: v.literal('wait'), ...common, until: v.number() }),
  v.strictObject({ type: v.literal('recheck-slot'), ...common, port: portSchema, until: v.number() }),
]) satisfies v.GenericSchema<unknown, Effect>;
