import { beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyAllocation, type Slots } from '../../../../src/engine/domain/allocation.ts';
import { leaseIdOf } from '../../../../src/engine/domain/ids.ts';
import type { Task } from '../../../../src/engine/domain/task.ts';
import type { TaskModel } from '../../../../src/engine/inspection/taskFeed.ts';
import { TaskItem } from '../../../../src/extension/views/taskItem.ts';
import { type TaskNode, TasksTree } from '../../../../src/extension/views/tasksTree.ts';
import { Ticker } from '../../../../src/extension/views/ticker.ts';
import { EventEmitter, TreeItemCollapsibleState } from '../../../support/fakeVscode.ts';
import { idOf, noon, runOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

/** The tasks of a window, as a test sets them. */
class ModelOfTasks implements TaskModel {
  private readonly tasks: readonly Task[];
  readonly onDidChange = new EventEmitter<readonly Task[]>().event;

  readonly slots: () => Slots;

  constructor(tasks: readonly Task[], slots: () => Slots = () => emptyAllocation.slots) {
    this.tasks = tasks;
    this.slots = slots;
  }

  all(): readonly Task[] {
    return this.tasks;
  }

  get(id: Task['id']): Task | undefined {
    return this.tasks.find((task) => task.id === id);
  }
}

let now: number;
let fired: (TaskNode[] | undefined)[];

beforeEach(() => {
  now = noon;
  fired = [];
});

function treeOf(...tasks: readonly Task[]): TasksTree {
  const tree = new TasksTree(new ModelOfTasks(tasks), () => now);
  tree.onDidChangeTreeData((nodes) => fired.push(nodes));
  return tree;
}

/** Asks for all of it, as the window does when every group is open. */
function show(tree: TasksTree): readonly string[] {
  const walk = (node: TaskNode | undefined, depth: number): readonly string[] =>
    tree.getChildren(node).flatMap((child) => {
      const { label, description } = tree.getTreeItem(child);
      const told = typeof description === 'string' ? ` [${description}]` : '';
      const line = `${' '.repeat(depth)}${typeof label === 'string' ? label : ''}${told}`;
      return [line, ...walk(child, depth + 1)];
    });
  return walk(undefined, 0);
}

const ids = (nodes: TaskNode[] | undefined): readonly (string | undefined)[] | undefined =>
  nodes?.map(({ id }) => id);

describe('the tree of tasks', () => {
  test('has nothing before there are tasks, so that a welcome text shows', () => {
    expect(treeOf().getChildren()).toEqual([]);
  });

  test('shows every stage with its count, and its tasks below', () => {
    const tree = treeOf(taskIn('queued', 1), taskIn('running', 2, { runs: [runOf()] }), taskIn('done', 3));
    expect(show(tree)).toEqual([
      'Queued [1]',
      ' Task 1 [waits for its turn]',
      'Specification [1]',
      ' Task 2 [0s · #1]',
      'Implementation [0]',
      'QA [0]',
      'Needs You [0]',
      'Completed [0]',
      'Done [1]',
      ' Task 3 [merged]',
    ]);
  });

  test('a change of a row refreshes that very row and nothing else', () => {
    const task = taskIn('running', 1);
    const tree = treeOf(task, taskIn('running', 2), taskIn('queued', 3));
    show(tree);
    tree.update([{ ...task, runs: [runOf({ costUsd: 2 })] }]);
    expect(fired.map(ids)).toEqual([[`task.${task.id}`]]);
    expect(fired[0]?.[0]).toBeInstanceOf(TaskItem);
    expect(fired[0]?.[0]?.description).toBe('0s · #1 · $2.00');
    expect(tree.getChildren(tree.getChildren()[1])).toContain(fired[0]?.[0]);
  });

  test('a row that nobody has seen yet costs no refresh', () => {
    const tree = treeOf(taskIn('running', 1), taskIn('running', 2));
    tree.update([{ ...taskIn('running', 1), qaRounds: 1 }]);
    expect(fired).toEqual([]);
  });

  test('a task that goes on to another stage refreshes the tree as a whole, and keeps its id', () => {
    const tree = treeOf(taskIn('running', 1), taskIn('running', 2), taskIn('completed', 3));
    show(tree);
    tree.update([taskIn('completed', 1)]);
    expect(fired).toEqual([undefined]);
    const [, specification, , , , completed] = tree.getChildren();
    expect(ids(tree.getChildren(specification))).toEqual([`task.${idOf(2)}`]);
    expect(ids(tree.getChildren(completed))).toEqual([`task.${idOf(3)}`, `task.${idOf(1)}`]);
  });

  test('a new task refreshes its group alone', () => {
    const tree = treeOf(taskIn('queued', 1));
    show(tree);
    tree.update([taskIn('queued', 2)]);
    expect(fired.map(ids)).toEqual([['group.queued']]);
  });

  test('as time passes, rows of what executes are refreshed and no others', () => {
    const tree = treeOf(taskIn('running', 1, { runs: [runOf()] }), taskIn('queued', 2), taskIn('done', 3));
    show(tree);
    now += 130_000;
    tree.tick();
    expect(fired.map(ids)).toEqual([[`task.${idOf(1)}`]]);
    expect(fired[0]?.[0]?.description).toBe('2m 10s · #1');
  });

  test('the filter hides rows, tells how many, and lets them come back up to date', () => {
    const tree = treeOf(taskIn('queued', 1), taskIn('queued', 22), taskIn('completed', 3));
    show(tree);
    expect(tree.setFilter('task 22')).toBe(true);
    tree.update([taskIn('queued', 1, { runs: [runOf()] })]);
    expect(show(tree).slice(0, 2)).toEqual(['Queued [1 of 2]', ' Task 22 [waits for its turn]']);
    expect(tree.setFilter('')).toBe(false);
    expect(show(tree).slice(0, 2)).toEqual(['Queued [2]', ' Task 1 [waits for its turn again · #1]']);
  });

  test('a filter that hides everything still shows the groups: the tasks are not gone', () => {
    const tree = treeOf(taskIn('queued', 1));
    tree.setFilter('nothing like it');
    expect(show(tree)[0]).toBe('Queued [0 of 1]');
  });

  test('a long group comes in pages, each row once', () => {
    const tree = treeOf(...Array.from({ length: 250 }, (_, number) => taskIn('queued', number)));
    const [queued] = tree.getChildren();
    const first = tree.getChildren(queued);
    expect(first.slice(100).map(({ label }) => label)).toEqual(['101 to 200', '201 to 250']);
    const all = [...first.slice(0, 100), ...first.slice(100).flatMap((page) => tree.getChildren(page))];
    expect(new Set(all.map(({ id }) => id)).size).toBe(250);
  });

  test('a tooltip is made when it is asked for, trusts nothing, and is made anew after a change', () => {
    const task = taskIn('running', 1, { runs: [runOf()] });
    const tree = treeOf(task);
    show(tree);
    const item = tree.getChildren(tree.getChildren()[1])[0];
    if (item === undefined) throw new Error('no row');
    expect(item.tooltip).toBeUndefined();
    expect(tree.resolveTreeItem(item, item).tooltip).toMatchObject({ isTrusted: false, supportHtml: false });
    tree.update([{ ...task, qaRounds: 2 }]);
    expect(item.tooltip).toBeUndefined();
  });

  test('menus know a task by its phase, and commands by its id', () => {
    const tree = treeOf(taskIn('gate', 1));
    show(tree);
    const [item] = tree.getChildren(tree.getChildren()[4]);
    expect(item).toMatchObject({ taskId: idOf(1), contextValue: 'task.gate', id: `task.${idOf(1)}` });
    expect(item?.accessibilityInformation?.label).toBe('Task 1, specification waits for approval');
  });
});

describe('a group', () => {
  test('that gets its first row is another one to the window, so that it opens', () => {
    const tree = treeOf(taskIn('queued', 1));
    const stateOf = (at: number) => {
      const group = tree.getChildren()[at];
      const { id, collapsibleState } =
        group === undefined ? { id: '', collapsibleState: -1 } : tree.getTreeItem(group);
      return [id, collapsibleState];
    };
    const { None, Expanded } = TreeItemCollapsibleState;
    expect(stateOf(5)).toEqual(['group.completed.empty', None]);
    tree.update([taskIn('completed', 2)]);
    expect(stateOf(5)).toEqual(['group.completed', Expanded]);
    tree.update([taskIn('completed', 3)]);
    expect(stateOf(5)).toEqual(['group.completed', Expanded]);
  });
});

describe('a row', () => {
  test('tells menus whether its task has a container, and forgets it with the container', () => {
    const slots = { ...emptyAllocation.slots };
    const model = new ModelOfTasks([taskIn('completed', 1)], () => slots);
    const tree = new TasksTree(model, () => now);
    const row = () => tree.getChildren(tree.getChildren()[5])[0]?.contextValue;
    expect(row()).toBe('task.completed');
    slots[8081] = { type: 'leased', leaseId: leaseIdOf(8081, 1), taskId: idOf(1), idleSince: noon };
    expect(row()).toBe('task.completed.container');
    slots[8081] = { type: 'free' };
    tree.update([taskIn('completed', 1)]);
    expect(row()).toBe('task.completed');
  });
});

describe('the ticker', () => {
  test('ticks while it is wanted and never otherwise', () => {
    vi.useFakeTimers();
    let ticks = 0;
    const ticker = new Ticker(10_000, () => {
      ticks += 1;
    });
    vi.advanceTimersByTime(60_000);
    expect(ticks).toBe(0);
    ticker.run(true);
    ticker.run(true);
    vi.advanceTimersByTime(30_000);
    expect(ticks).toBe(3);
    ticker.run(false);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
