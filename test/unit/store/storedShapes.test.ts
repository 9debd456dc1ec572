import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Allocation } from '../../../src/engine/domain/allocation.ts';
import type { Effect } from '../../../src/engine/domain/effects.ts';
import { latestInstant } from '../../../src/engine/domain/instant.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import type { allocationSchema } from '../../../src/engine/store/allocationSchema.ts';
import type { effectSchema } from '../../../src/engine/store/effectSchema.ts';
import { storedTaskSchema, taskSchema } from '../../../src/engine/protocol/taskSchema.ts';
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

test('of the times of a task only those are let in that can be shown; a stored one is read whatever it holds', () => {
  const failure = { code: 'usage-limit', message: '', notBefore: 1e300 } as const;
  const phase = { type: 'parked', until: 1e300, failure } as const;
  const [run] = runningTask().runs;
  const strange = { ...runningTask(), phase, runs: [{ ...run, startedAt: -1, completedAt: 1.5 }] };
  expect(v.is(taskSchema, strange)).toBe(false);
  expect(v.parse(storedTaskSchema, strange)).toEqual({
    ...strange,
    phase: { ...phase, until: latestInstant, failure: { ...failure, notBefore: latestInstant } },
    runs: [{ ...run, startedAt: 0, completedAt: 2 }],
  });
});

test('a wait with parts of a millisecond, as earlier versions kept it, is over no earlier', () => {
  const failure = { code: 'rate-limit', message: '', notBefore: 1_700_000_000_000.25 } as const;
  const task = { ...runningTask(), phase: { type: 'backoff', until: 1_700_000_000_000.25, failure } };
  expect(v.parse(taskSchema, task).phase).toEqual({
    type: 'backoff',
    until: 1_700_000_000_001,
    failure: { ...failure, notBefore: 1_700_000_000_001 },
  });
});
