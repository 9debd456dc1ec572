import * as v from 'valibot';
import { expect, test } from 'vitest';
import { settingsSchema } from '../../src/engine/settings.ts';

const accepts = (input: unknown): boolean => v.safeParse(settingsSchema, input).success;
const qa = (stage: object): unknown => ({ stages: { qa: stage } });

test.each([
  ['rounds that the database cannot hold', { maxQaRounds: 1e23 }],
  ['turns that the database cannot hold', qa({ maxTurns: 1e23 })],
  ['half a turn', qa({ maxTurns: 1.5 })],
  ['no turns', qa({ maxTurns: 0 })],
  ['a budget of nothing, with which no stage can begin', qa({ maxBudgetUsd: 0 })],
  ['a budget without end', qa({ maxBudgetUsd: Infinity })],
  ['a timeout beyond what a timer can wait', qa({ timeoutMinutes: 40_000 })],
  ['a timeout of nothing', qa({ timeoutMinutes: 0 })],
])('%s is refused', (_what, input) => {
  expect(accepts(input)).toBe(false);
});

test('limits at their ends are taken', () => {
  expect(accepts(qa({ maxTurns: 1, maxBudgetUsd: 0.01, timeoutMinutes: 0.01 }))).toBe(true);
  expect(accepts({ maxQaRounds: 0, stages: { qa: { timeoutMinutes: 1440 } } })).toBe(true);
});
