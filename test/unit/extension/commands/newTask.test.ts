import { beforeEach, expect, test, vi } from 'vitest';
import { newTask } from '../../../../src/extension/commands/newTask.ts';
import { Messages } from '../../../../src/extension/messages.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { useDefaultConfiguration } from '../../../support/defaultConfiguration.ts';
import { person } from '../../../support/fakeVscode.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => {
  person.reset();
  useDefaultConfiguration();
});

async function create(...answers: readonly string[]): Promise<DecidingSession> {
  const session = new DecidingSession([]);
  person.answers.push(...answers);
  await newTask({ session, messages: new Messages() })();
  return session;
}

test('a task that is kept for later is so from the beginning: nothing can start it in between', async () => {
  const session = await create('Add a flag', 'It prints JSON.', 'Keep for Later');
  expect(session.dispatched).toMatchObject([{ type: 'create', title: 'Add a flag', paused: true }]);
  expect(session.tasks.all()).toMatchObject([{ description: 'It prints JSON.', phase: { type: 'paused' } }]);
  expect(person.told).toEqual(['"Add a flag" is kept for later.']);
});

test('a task that is to start waits for its turn', async () => {
  const session = await create('Add a flag', '', 'Start');
  expect(session.tasks.all()).toMatchObject([{ phase: { type: 'queued' } }]);
});
