import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isExecuting, type Phase, type Task } from '../../../src/engine/domain/task.ts';
import { stages } from '../../../src/engine/domain/stage.ts';
import { GroupedTasks } from '../../../src/engine/inspection/groupedTasks.ts';
import { groupOf, taskGroups } from '../../../src/engine/protocol/taskGroups.ts';
import { idOf, phaseTypes, taskIn } from '../../support/viewTasks.ts';

function grouped(...tasks: readonly Task[]): GroupedTasks {
  const groups = new GroupedTasks();
  groups.replaceAll(tasks);
  return groups;
}

const titles = (groups: GroupedTasks, group: (typeof taskGroups)[number]): readonly string[] =>
  groups.rows(group).map(({ title }) => title);

describe('the group of a task', () => {
  test.each([
    ['queued', 'queued'],
    ['preparing', 'implementation'],
    ['running', 'implementation'],
    ['stopping', 'implementation'],
    ['backoff', 'implementation'],
    ['parked', 'implementation'],
    ['paused', 'implementation'],
    ['gate', 'needs-you'],
    ['attention', 'needs-you'],
    ['completed', 'completed'],
    ['merging', 'completed'],
    ['done', 'done'],
    ['cancelled', 'done'],
  ] as const)('%s stands under %s', (phase, group) => {
    expect(groupOf(taskIn(phase, 1, { stage: 'implementation' }))).toBe(group);
  });
});

describe('grouped tasks', () => {
  test('the queue is in the order of admission: priority, then age', () => {
    const groups = grouped(
      taskIn('queued', 3),
      taskIn('queued', 1),
      taskIn('queued', 2),
      taskIn('queued', 4, { priority: 1 }),
    );
    expect(titles(groups, 'queued')).toEqual(['Task 4', 'Task 1', 'Task 2', 'Task 3']);
  });

  test('who waited longest for a person comes first; what ended last comes first', () => {
    const groups = grouped(
      ...[2, 1, 3].flatMap((number) => [taskIn('attention', number), taskIn('done', number + 10)]),
    );
    expect(titles(groups, 'needs-you')).toEqual(['Task 1', 'Task 2', 'Task 3']);
    expect(titles(groups, 'done')).toEqual(['Task 13', 'Task 12', 'Task 11']);
  });

  test('a change that leaves a row in its place touches that row alone', () => {
    const before = taskIn('running', 1);
    const groups = grouped(before, taskIn('running', 2));
    expect(groups.update([{ ...before, updatedAt: before.updatedAt + 5 }])).toEqual({
      groups: new Set(),
      rows: [idOf(1)],
      isStructural: false,
    });
  });

  test('a row that changes its group is structural, and both groups changed', () => {
    const groups = grouped(
      taskIn('running', 1),
      taskIn('running', 2),
      taskIn('completed', 3),
      taskIn('completed', 4),
    );
    expect(groups.update([taskIn('completed', 1)])).toEqual({
      groups: new Set(['specification', 'completed']),
      rows: [idOf(1)],
      isStructural: true,
    });
    expect(titles(groups, 'specification')).toEqual(['Task 2']);
  });

  test('a new row is structural only as the first of its group', () => {
    const groups = grouped(taskIn('queued', 1));
    expect(groups.update([taskIn('queued', 2)]).isStructural).toBe(false);
    expect(groups.update([taskIn('completed', 3)]).isStructural).toBe(true);
  });

  test('counts what runs, waits and needs a person, also what the filter hides', () => {
    const groups = grouped(
      taskIn('running', 1),
      taskIn('preparing', 2),
      taskIn('queued', 3),
      taskIn('gate', 4),
      taskIn('attention', 5),
      taskIn('paused', 6),
      taskIn('completed', 7),
    );
    groups.setFilter(() => false);
    expect(groups.counts()).toEqual({ running: 2, queued: 1, needsYou: 2, toReview: 1 });
    expect(taskGroups.every((group) => groups.rows(group).length === 0)).toBe(true);
    expect(groups.total('needs-you')).toBe(2);
    groups.update([taskIn('completed', 1)]);
    expect(groups.counts()).toEqual({ running: 1, queued: 1, needsYou: 2, toReview: 2 });
    groups.update([taskIn('merging', 1)]);
    expect(groups.counts().toReview).toBe(1);
  });

  test('knows which tasks a failure holds up, until it is over', () => {
    const groups = grouped(taskIn('backoff', 1), taskIn('parked', 2), taskIn('running', 3));
    expect(groups.heldUp().map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    groups.update([taskIn('queued', 1)]);
    expect(groups.heldUp().map(({ id }) => id)).toEqual([idOf(2)]);
  });

  test('kept by deltas, they are what they would be made anew, and each change names what it touched', () => {
    const change = fc.record({
      number: fc.integer({ min: 0, max: 4 }),
      phase: fc.constantFrom<Phase['type']>(...phaseTypes),
      stage: fc.constantFrom(...stages),
      priority: fc.integer({ min: 0, max: 2 }),
      updatedAt: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 25 }),
        fc.boolean(),
        (deltas, isFiltered) => {
          // Of what changes: a task comes into sight and goes out of it without leaving its group.
          const isSeen = ({ priority }: Task): boolean => priority !== 1;
          const kept = grouped();
          if (isFiltered) kept.setFilter(isSeen);
          const known = new Map<string, Task>();
          for (const delta of deltas) {
            const rowsBefore = new Map(
              taskGroups.map((group) => [group, kept.rows(group).map(({ id }) => id)]),
            );
            const countBefore = new Map(taskGroups.map((group) => [group, kept.total(group)]));
            const tasks = delta.map(({ number, phase, stage, priority, updatedAt }) =>
              taskIn(phase, number, { stage, priority, updatedAt }),
            );
            for (const task of tasks) known.set(task.id, task);
            const changes = kept.update(tasks);
            const anew = grouped(...known.values());
            if (isFiltered) anew.setFilter(isSeen);
            for (const group of taskGroups) {
              expect(kept.rows(group)).toEqual(anew.rows(group));
              expect(kept.total(group)).toBe(anew.total(group));
              const ids = kept.rows(group).map(({ id }) => id);
              const isSame =
                JSON.stringify(ids) === JSON.stringify(rowsBefore.get(group)) &&
                kept.total(group) === countBefore.get(group);
              if (!isSame) expect(changes.groups).toContain(group);
              const earlier = new Set(rowsBefore.get(group));
              const cameFromElsewhere = ids.some(
                (id) =>
                  !earlier.has(id) &&
                  taskGroups.some((other) => rowsBefore.get(other)?.includes(id) === true),
              );
              if (cameFromElsewhere || (ids.length === 0) !== (earlier.size === 0))
                expect(changes.isStructural).toBe(true);
            }
            expect(new Set(kept.executing())).toEqual(
              new Set([...known.values()].filter(isExecuting).map(({ id }) => id)),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
