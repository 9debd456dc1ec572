import { expect, test } from 'vitest';
import { SharedParts } from '../../../src/engine/store/sharedParts.ts';
import { queuedTask } from '../../support/storeFixtures.ts';

test('equal settings of two tasks are one object, and nothing else about the tasks changes', () => {
  const shared = new SharedParts();
  const [first, second] = [queuedTask(), queuedTask()].map((task) => ({
    ...task,
    settings: structuredClone(task.settings),
  }));
  const other = { ...queuedTask(), settings: { ...queuedTask().settings, maxQaRounds: 1 } };
  if (first === undefined || second === undefined) throw new Error('there are two');
  const one = shared.of(first);
  expect(shared.of(second).settings).toBe(one.settings);
  expect(shared.of(second)).toEqual(second);
  expect(shared.of(other)).toEqual(other);
});
