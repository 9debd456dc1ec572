import { expect, test } from 'vitest';
import { emptyAllocation } from '../../../src/engine/domain/allocation.ts';
import type { PersonCommand } from '../../../src/engine/domain/commands.ts';
import { decide } from '../../../src/engine/domain/decide.ts';
import { digestOf } from '../../../src/engine/domain/ids.ts';
import { stages } from '../../../src/engine/domain/stage.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { stateOf } from '../../../src/engine/domain/state.ts';
import type { BoardAction } from '../../../src/engine/protocol/board.ts';
import { groupOf, taskGroups, type TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { cardOf } from '../../../src/engine/server/board/boardCard.ts';
import { dropMove } from '../../../webview-ui/src/board/dropMove.ts';
import { noon, phaseTypes, taskIn } from '../../support/viewTasks.ts';

const accepted = {
  specification: digestOf('c'.repeat(64)),
  implementation: digestOf('d'.repeat(64)),
  qa: digestOf('e'.repeat(64)),
};

const every = phaseTypes.flatMap((phase) =>
  stages.map((stage) => taskIn(phase, 1, { stage, accepted, title: 'It' })),
);

function commandOf(task: Task, action: BoardAction): PersonCommand {
  switch (action) {
    case 'answer':
    case 'send-back':
      return { type: 'send-back', taskId: task.id, note: 'Otherwise.' };
    case 'accept':
      return { type: 'accept', taskId: task.id, strategy: 'none' };
    default:
      return { type: action, taskId: task.id };
  }
}

test('what a drop means, the engine agrees to, whatever the task does', () => {
  let moves = 0;
  for (const task of every) {
    for (const group of taskGroups) {
      const drop = dropMove(cardOf(task, null, 'move'), group);
      if (drop.type !== 'move') continue;
      moves += 1;
      const state = stateOf([task], emptyAllocation);
      expect(decide(state, commandOf(task, drop.action), noon)).toEqual(
        expect.arrayContaining([expect.objectContaining({ taskId: task.id })]),
      );
    }
  }
  expect(moves).toBeGreaterThan(15);
});

test('a drop that is none says what is so; one on its own column does nothing', () => {
  for (const task of every) {
    for (const group of taskGroups) {
      const drop = dropMove(cardOf(task, null, 'move'), group);
      if (groupOf(task) === group) expect(drop).toEqual({ type: 'nothing' });
      else if (drop.type === 'refused') expect(drop.message).toMatch(/“It” .*\.$/);
    }
  }
});

test.each<[string, Task, TaskGroup, BoardAction | null]>([
  ['the gate, dropped on the next stage, is approved', taskIn('gate'), 'implementation', 'approve'],
  ['the gate, dropped on its own stage, is sent back', taskIn('gate'), 'specification', 'send-back'],
  ['the gate is not to be skipped', taskIn('gate'), 'qa', null],
  ['what failed QA is let pass', taskIn('attention', 1, { stage: 'qa' }), 'completed', 'advance'],
  ['what failed QA is tried again', taskIn('attention', 1, { stage: 'qa' }), 'qa', 'retry'],
  [
    'what failed QA is worked on again',
    taskIn('attention', 1, { stage: 'qa' }),
    'implementation',
    'send-back',
  ],
  ['what is completed is accepted', taskIn('completed', 1, { stage: 'qa' }), 'done', 'accept'],
  ['what is completed is sent back', taskIn('completed', 1, { stage: 'qa' }), 'implementation', 'send-back'],
  ['what is completed has its specification', taskIn('completed', 1, { stage: 'qa' }), 'specification', null],
  ['what is paused goes on', taskIn('paused'), 'queued', 'resume'],
  ['what works is left alone', taskIn('running'), 'completed', null],
  ['what is done stays done', taskIn('done'), 'implementation', null],
])('%s', (_, task, to, action) => {
  const drop = dropMove(cardOf(task, null, 'move'), to);
  expect(drop.type === 'move' ? drop.action : null).toBe(action);
  expect(dropMove(cardOf(task, null, 'read'), to).type).toBe('refused');
});
