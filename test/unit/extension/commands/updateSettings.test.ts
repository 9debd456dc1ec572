import { beforeEach, expect, test, vi } from 'vitest';
import { emptyAllocation } from '../../../../src/engine/domain/allocation.ts';
import { leaseIdOf } from '../../../../src/engine/domain/ids.ts';
import type { Task } from '../../../../src/engine/domain/task.ts';
import { defaultSettings } from '../../../../src/engine/settings.ts';
import { updateSettings } from '../../../../src/extension/commands/updateSettings.ts';
import { Messages } from '../../../../src/extension/messages.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { useDefaultConfiguration } from '../../../support/defaultConfiguration.ts';
import { CancellationError, configuration, person } from '../../../support/fakeVscode.ts';
import { idOf, noon, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => {
  person.reset();
  useDefaultConfiguration();
});

const withDefaults = (phase: Parameters<typeof taskIn>[0], changes: Partial<Task> = {}): DecidingSession =>
  new DecidingSession([taskIn(phase, 1, { settings: defaultSettings, worktree: null, ...changes })]);

const settingsOf = (session: DecidingSession) => session.tasks.get(idOf(1))?.settings;

test('gives the task what is picked of the settings that are others now, and nothing else', async () => {
  configuration.set('testCommand', 'npm test').set('qa.timeoutMinutes', 45).set('maxQaRounds', 1);
  const session = withDefaults('attention');
  person.answers.push('testCommand\nqa.timeoutMinutes');
  await updateSettings({ session, messages: new Messages() })(idOf(1));
  expect(person.offered).toEqual([['testCommand', 'maxQaRounds', 'qa.timeoutMinutes']]);
  expect(settingsOf(session)).toEqual({
    ...defaultSettings,
    testCommand: 'npm test',
    stages: { ...defaultSettings.stages, qa: { ...defaultSettings.stages.qa, timeoutMs: 45 * 60_000 } },
  });
});

test('offers nothing that cannot be changed any more', async () => {
  configuration.set('setupCommand', 'npm ci').set('image', 'mine').set('testCommand', 'npm test');
  const session = withDefaults('running');
  person.answers.push(undefined);
  const left = updateSettings({ session, messages: new Messages() })(idOf(1));
  await expect(left).rejects.toThrow(CancellationError);
  expect(person.offered).toEqual([['testCommand']]);
  expect(settingsOf(session)).toEqual(defaultSettings);
});

test('says where settings are changed when none is another', async () => {
  const session = withDefaults('attention');
  await updateSettings({ session, messages: new Messages() })(idOf(1));
  expect(person.told).toEqual(['"Task 1" has the settings as they are now. Change them first.']);
  person.open.get(person.told[0] ?? '')?.('Open Settings');
  await vi.waitFor(() => expect(person.ran).toEqual([['orchestrator.openSettings']]));
  expect(session.dispatched).toEqual([]);
});

test('leaves alone what was changed in another place while the person was asked', async () => {
  configuration.set('testCommand', 'npm test');
  const session = withDefaults('attention');
  person.answers.push('testCommand');
  person.meanwhile = async () => {
    const settings = { ...defaultSettings, maxQaRounds: 9 };
    await (await session.engine()).dispatch({ type: 'change-settings', taskId: idOf(1), settings }, []);
  };
  await updateSettings({ session, messages: new Messages() })(idOf(1));
  expect(settingsOf(session)).toEqual({ ...defaultSettings, maxQaRounds: 9, testCommand: 'npm test' });
});

test('says so when what differs cannot be changed any more', async () => {
  configuration.set('setupCommand', 'npm ci').set('image', 'mine');
  const session = withDefaults('running');
  await expect(updateSettings({ session, messages: new Messages() })(idOf(1))).rejects.toThrow(
    'What differs now cannot be changed for "Task 1": setupCommand, image.',
  );
});

test.each([
  [{ type: 'leased', leaseId: leaseIdOf(8081, 1), taskId: idOf(1), idleSince: noon } as const, true],
  [{ type: 'free' } as const, false],
])('warns of what costs the task its container, where it has one: %j', async (slot, warns) => {
  configuration.set('image', 'mine').set('testCommand', 'npm test');
  const slots = { ...emptyAllocation.slots, 8081: slot };
  const session = new DecidingSession(
    [taskIn('attention', 1, { settings: defaultSettings, worktree: null })],
    slots,
  );
  person.answers.push('testCommand');
  await updateSettings({ session, messages: new Messages() })(idOf(1));
  const warnings = person.shown.filter((text) => text === 'The task gives up its container.');
  expect(warnings).toHaveLength(warns ? 1 : 0);
});
