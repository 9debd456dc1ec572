import { expect, test } from 'vitest';
import { emptyAllocation, type Slots } from '../../../src/engine/domain/allocation.ts';
import { leaseIdOf } from '../../../src/engine/domain/ids.ts';
import { inspectorViewOf } from '../../../src/engine/inspection/inspectorView.ts';
import { idOf, noon, taskIn } from '../../support/viewTasks.ts';

const held: Slots = {
  ...emptyAllocation.slots,
  8082: { type: 'leased', leaseId: leaseIdOf(8082, 1), taskId: idOf(1), idleSince: noon },
};

test('the app is offered as long as the task has a container', () => {
  const task = taskIn('completed', 1);
  expect(inspectorViewOf(task, held, []).task).toMatchObject({ port: 8082 });
  expect(inspectorViewOf(task, held, []).task.actions).toContain('open-app');
  expect(inspectorViewOf(task, emptyAllocation.slots, []).task.actions).not.toContain('open-app');
});

test('without a container of its own a process has no app to open', () => {
  const { settings } = taskIn('completed', 1);
  const task = taskIn('completed', 1, { settings: { ...settings, isolation: 'process' } });
  expect(inspectorViewOf(task, held, []).task.actions).not.toContain('open-app');
});

test('a specification that waits for approval can be edited, and no other', () => {
  const actions = (phase: 'gate' | 'completed') => inspectorViewOf(taskIn(phase, 1), held, []).task.actions;
  expect(actions('gate')).toEqual(['approve', 'edit', 'answer', 'send-back', 'cancel']);
  expect(actions('completed')).not.toContain('edit');
});
