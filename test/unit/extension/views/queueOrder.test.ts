import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { queueOf, reordered } from '../../../../src/extension/views/queueOrder.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

const queue = (...priorities: readonly number[]) =>
  queueOf(priorities.map((priority, number) => taskIn('queued', number, { priority })));
const number = (id: string): number => Number(id.slice(-12));

describe('a new order of the queue', () => {
  test('comes true, whatever the priorities were, and nobody else changes places', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 3 }),
        fc.nat({ max: 8 }),
        (priorities, picked, at) => {
          const before = queue(...priorities);
          const moved = before.filter((_, index) => picked.includes(index)).map(({ id }) => id);
          const rest = before.map(({ id }) => id).filter((id) => !moved.includes(id));
          const place = Math.min(at, rest.length);
          const changes = new Map(reordered(before, moved, place).map(({ id, priority }) => [id, priority]));
          const after = queueOf(
            before.map((task) => ({ ...task, priority: changes.get(task.id) ?? task.priority })),
          );
          expect(after.map(({ id }) => id)).toEqual([
            ...rest.slice(0, place),
            ...moved,
            ...rest.slice(place),
          ]);
          for (const task of before) expect(changes.get(task.id)).not.toBe(task.priority);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['the last to the top lifts it alone', [0, 0, 0, 0], 3, 0, [[3, 1]]],
    ['the first to the end lowers it alone', [0, 0, 0, 0], 0, 3, [[0, -1]]],
    ['into a gap between priorities', [5, 3, 0], 2, 1, [[2, 4]]],
    ['where it is already, nothing', [0, 0, 0], 1, 1, []],
    [
      'with as few changes as it takes',
      [0, 0, 0, 0, 0, 0],
      5,
      1,
      [
        [0, 1],
        [5, 1],
      ],
    ],
  ] as const)('%s', (_name, priorities, moved, place, expected) => {
    const changes = reordered(queue(...priorities), [idOf(moved)], place);
    // A gap has room for more than one answer: any of its priorities will do.
    expect(changes.map(({ id }) => number(id))).toEqual(expected.map(([id]) => id));
  });
});
