import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Allocation } from '../../../src/engine/domain/allocation.ts';
import type { Effect } from '../../../src/engine/domain/effects.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import type { allocationSchema } from '../../../src/engine/store/allocationSchema.ts';
import type { effectSchema } from '../../../src/engine/store/effectSchema.ts';
import { taskSchema } from '../../../src/engine/protocol/taskSchema.ts';
import { runningTask } from '../../support/storeFixtures.ts';

type Immutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [Key in keyof T]: Immutable<T[Key]> };
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Stored<Schema extends v.GenericSchema> = Immutable<v.InferOutput<Schema>>;

// The compiler is the judge: a variant or field that the domain has and the schema lacks does not compile here.
const inStep: readonly [
  Same<Stored<typeof taskSchema>, Task>,
  Same<Stored<typeof allocationSchema>, Allocation>,
  Same<Stored<typeof effectSchema>, Effect>,
] = [true, true, true];

test('the schemas of what is stored are in step with the domain', () => {
  expect(inStep).toEqual([true, true, true]);
});

/** What tasks of earlier versions, in storages and exports, do not have. */
const later = new Map<string, unknown>([['budgetFromUsd', 0]]);

test('every field of a task is asked for, and no other is let in', () => {
  const task = runningTask();
  expect(v.parse(taskSchema, task)).toEqual(task);
  for (const field of Object.keys(task)) {
    const rest = Object.fromEntries(Object.entries(task).filter(([name]) => name !== field));
    if (later.has(field)) expect(v.parse(taskSchema, rest)).toEqual({ ...rest, [field]: later.get(field) });
    else expect(v.is(taskSchema, rest), field).toBe(false);
  }
  expect(v.is(taskSchema, { ...task, extra: 1 })).toBe(false);
  const { maxBudgetUsd, ...settings } = task.settings;
  expect(maxBudgetUsd).not.toBeNull();
  expect(v.parse(taskSchema, { ...task, settings }).settings.maxBudgetUsd).toBeNull();
});
