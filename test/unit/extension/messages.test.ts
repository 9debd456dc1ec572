import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Messages } from '../../../src/extension/messages.ts';
import { person } from '../../support/fakeVscode.ts';
import { taskIn } from '../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../support/fakeVscode.ts'));

beforeEach(() => person.reset());

/** What the person leaves on the screen. */
const open = (): string[] => [...person.open.keys()];

async function close(text: string): Promise<void> {
  person.open.get(text)?.();
  await new Promise(setImmediate);
}

describe('toasts for tasks that need the person', () => {
  const completed = (number: number) => `"Task ${number}" is completed and waits for your review.`;

  test('are three at most; the others are told together once one was answered', async () => {
    const messages = new Messages();
    for (const number of [1, 2, 3, 4, 5]) messages.needed(taskIn('completed', number));
    expect(open()).toEqual([1, 2, 3].map(completed));
    await close(completed(2));
    expect(open()).toEqual([completed(1), completed(3), '2 more tasks need you.']);
    await close(completed(1));
    await close('2 more tasks need you.');
    expect(open()).toEqual([completed(3)]);
  });

  test('leave out who was dealt with meanwhile', async () => {
    const messages = new Messages();
    for (const number of [1, 2, 3, 4, 5, 6]) messages.needed(taskIn('completed', number));
    messages.answered(taskIn('done', 5));
    messages.needed(taskIn('running', 6));
    await close(completed(1));
    expect(open()).toContain('One more task needs you.');
  });

  test('say the same once, until it was answered', async () => {
    const messages = new Messages();
    messages.needed(taskIn('completed', 1));
    messages.needed(taskIn('completed', 1));
    expect(person.told).toEqual([completed(1)]);
    await close(completed(1));
    messages.needed(taskIn('completed', 1));
    expect(person.told).toHaveLength(2);
  });

  test('that faded keep nobody back once the person dealt with their tasks in another place', () => {
    const messages = new Messages();
    for (const number of [1, 2, 3]) messages.needed(taskIn('completed', number));
    for (const number of [1, 2, 3]) messages.answered(taskIn('merging', number));
    messages.needed(taskIn('completed', 4));
    expect(open()).toContain(completed(4));
  });

  test('tell of who was held back once a task that was told of needs nothing any more', () => {
    const messages = new Messages();
    for (const number of [1, 2, 3, 4]) messages.needed(taskIn('completed', number));
    messages.answered(taskIn('merging', 1));
    expect(open()).toContain('One more task needs you.');
    for (const number of [5, 6]) messages.needed(taskIn('completed', number));
    // What was told together is over when all of it is.
    messages.answered(taskIn('merging', 4));
    expect(person.told.slice(4)).toEqual(['2 more tasks need you.']);
  });

  test('say anew what a task comes to anew, however the first toast ended', async () => {
    const messages = new Messages();
    messages.needed(taskIn('gate', 1));
    messages.answered(taskIn('queued', 1));
    messages.needed(taskIn('running', 1));
    const first = person.open.get(person.told[0] ?? '');
    messages.needed(taskIn('gate', 1));
    expect(person.told).toHaveLength(2);
    // Somebody clears the first one away: the second still stands.
    first?.();
    await new Promise(setImmediate);
    messages.needed(taskIn('gate', 1));
    expect(person.told).toHaveLength(2);
  });

  test('stay as they are while a person changes something else of the task', () => {
    const messages = new Messages();
    for (const number of [1, 2, 3, 4]) messages.needed(taskIn('completed', number));
    messages.answered(taskIn('completed', 1, { priority: 5 }));
    messages.needed(taskIn('completed', 1, { priority: 5 }));
    expect(person.told).toHaveLength(3);
    messages.answered(taskIn('completed', 4, { priority: 5 }));
    messages.answered(taskIn('merging', 1));
    expect(open()).toContain('One more task needs you.');
  });

  test('are no reason to say nothing the second time a person does the same', () => {
    const messages = new Messages();
    for (let times = 0; times < 2; times += 1) messages.info('Signed in.');
    expect(person.told).toEqual(['Signed in.', 'Signed in.']);
  });

  test('do not keep back what a command of the person came to', () => {
    const messages = new Messages();
    for (const number of [1, 2, 3]) messages.needed(taskIn('completed', number));
    messages.error(new Error('That did not work.'));
    expect(open()).toContain('That did not work.');
  });

  test('are not kept back by what was only said, which VS Code keeps in its list until someone clears it', () => {
    const messages = new Messages();
    for (const number of [1, 2, 3]) messages.info(`Done ${number}.`);
    messages.needed(taskIn('completed', 1));
    expect(open()).toContain(completed(1));
  });
});
