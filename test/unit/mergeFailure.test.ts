import { expect, test } from 'vitest';
import { mergeFailure } from '../../src/engine/mergeFailure.ts';
import { AcceptedTask } from '../support/acceptedTask.ts';

test('of several merges that failed the last one is told, however long the history', async () => {
  const task = new AcceptedTask('completed');
  for (const message of ['The first.', 'The last.']) {
    task.record('merge.failed', { failure: { code: 'environment', message } });
    for (let count = 0; count < 1_500; count += 1) task.record('task.prioritized', { priority: count });
  }
  task.end();
  expect(await mergeFailure(task, task.id)).toMatchObject({
    code: 'merge-conflict',
    message: 'The last.',
    remedy: expect.stringContaining('Merge the branch yourself'),
  });
});

test('its own remedy is kept', async () => {
  const task = new AcceptedTask('completed');
  const failure = { code: 'merge-conflict', message: 'Both changed.', remedy: 'Rebase it.' };
  task.record('merge.failed', { failure });
  task.end();
  expect(await mergeFailure(task, task.id)).toMatchObject({ message: 'Both changed.', remedy: 'Rebase it.' });
});

test('a task that is merged once the merge has ended has none', async () => {
  const task = new AcceptedTask('done');
  task.record('merge.failed', { failure: { code: 'merge-conflict', message: 'An earlier one.' } });
  const failure = mergeFailure(task, task.id);
  task.end();
  expect(await failure).toBeNull();
});
