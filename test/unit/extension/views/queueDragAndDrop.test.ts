import type * as vscode from 'vscode';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { reorder } from '../../../../src/extension/commands/priority.ts';
import { Messages } from '../../../../src/extension/messages.ts';
import { QueueDragAndDrop } from '../../../../src/extension/views/queueDragAndDrop.ts';
import { type TaskNode, TasksTree } from '../../../../src/extension/views/tasksTree.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { person } from '../../../support/fakeVscode.ts';
import { noon, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => person.reset());

function scene() {
  const session = new DecidingSession([
    taskIn('queued', 1),
    taskIn('queued', 2),
    taskIn('queued', 3),
    taskIn('running', 4),
  ]);
  const tree = new TasksTree(session.tasks, () => noon);
  const dragAndDrop = new QueueDragAndDrop(
    session,
    (queue, moved, place) => reorder(session, queue, moved, place),
    new Messages(),
  );
  const rows = tree.getChildren().flatMap((group) => {
    tree.getTreeItem(group);
    return [group, ...tree.getChildren(group)];
  });
  const row = (label: string): TaskNode => {
    const found = rows.find((node) => node.label === label);
    if (found === undefined) throw new Error(`no row ${label}`);
    return found;
  };
  const drag = async (labels: readonly string[], target: string): Promise<readonly string[]> => {
    // The window carries it from one to the other.
    const data = new Map<string, vscode.DataTransferItem>();
    dragAndDrop.handleDrag(labels.map(row), data);
    await dragAndDrop.handleDrop(row(target), data);
    return session.queue;
  };
  return { session, drag };
}

describe('dragging in the tree of tasks', () => {
  test('a queued task takes the place of the one it is dropped on, from below and from above', async () => {
    const { drag } = scene();
    expect(await drag(['Task 3'], 'Task 1')).toEqual(['Task 3', 'Task 1', 'Task 2']);
    expect(await drag(['Task 3'], 'Task 2')).toEqual(['Task 1', 'Task 2', 'Task 3']);
    expect(await drag(['Task 1'], 'Task 2')).toEqual(['Task 2', 'Task 1', 'Task 3']);
  });

  test('several go together, in their order; on the group they go last', async () => {
    const { drag } = scene();
    expect(await drag(['Task 3', 'Task 2'], 'Task 1')).toEqual(['Task 2', 'Task 3', 'Task 1']);
    expect(await drag(['Task 2'], 'Queued')).toEqual(['Task 3', 'Task 1', 'Task 2']);
  });

  test.each([
    [['Task 4'], 'Task 1', 'Only tasks that wait in the queue'],
    [['Task 1', 'Task 4'], 'Task 2', 'Only tasks that wait in the queue'],
    [['Task 1'], 'Task 4', 'Drop it on a queued task'],
    [['Task 1'], 'QA', 'Drop it on a queued task'],
  ])('%j on %s is refused in a sentence, and changes nothing', async (dragged, target, sentence) => {
    const { drag, session } = scene();
    expect(await drag(dragged, target)).toEqual(['Task 1', 'Task 2', 'Task 3']);
    expect(session.dispatched).toEqual([]);
    expect(person.told).toEqual([expect.stringContaining(sentence)]);
  });

  test('a group cannot be dragged, nor what another extension puts there', async () => {
    const { drag, session } = scene();
    await drag(['Queued'], 'Task 1');
    expect(session.dispatched).toEqual([]);
    expect(person.told).toEqual([]);
  });
});
