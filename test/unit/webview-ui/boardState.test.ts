import { expect, test } from 'vitest';
import type { BoardCard, BoardHostMessage } from '../../../src/engine/protocol/board.ts';
import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { cardOf } from '../../../src/engine/server/board/boardCard.ts';
import { emptyBoard, receiveBoard, type BoardState } from '../../../webview-ui/src/board/boardState.ts';
import { nextCard, tabStop } from '../../../webview-ui/src/board/cardFocus.ts';
import { idOf, taskIn } from '../../support/viewTasks.ts';

type StateMessage = Extract<BoardHostMessage, { type: 'snapshot' | 'delta' | 'unavailable' }>;

const cardIn = (phase: Parameters<typeof taskIn>[0], number: number): BoardCard =>
  cardOf(taskIn(phase, number), null, 'move');

const snapshot = (seq: number, ...cards: BoardCard[]): StateMessage => ({
  type: 'snapshot',
  seq,
  access: 'move',
  columns: [{ group: 'queued', found: 3, total: 5 }],
  cards,
});

const after = (...messages: StateMessage[]): BoardState =>
  messages.reduce<BoardState>((state, message) => receiveBoard(state, message).state, emptyBoard);

const idsIn = (state: BoardState, group: TaskGroup): string[] =>
  state.columns.find((column) => column.group === group)?.cards.map(({ id }) => id) ?? [];

test('cards stand in their columns in the order of the sidebar', () => {
  const state = after(snapshot(1, cardIn('queued', 2), cardIn('queued', 1), cardIn('gate', 3)));
  expect(idsIn(state, 'queued')).toEqual([idOf(1), idOf(2)]);
  expect(idsIn(state, 'needs-you')).toEqual([idOf(3)]);
  expect(state.columns.map(({ group, found, total }) => [group, found, total])).toEqual([
    ['queued', 3, 5],
    ['specification', 0, 0],
    ['implementation', 0, 0],
    ['qa', 0, 0],
    ['needs-you', 0, 0],
    ['completed', 0, 0],
    ['done', 0, 0],
  ]);
});

test('a delta brings, changes and takes cards, and tells which went where', () => {
  const before = after(snapshot(1, cardIn('queued', 1), cardIn('queued', 2)));
  const { state, isGap, passages } = receiveBoard(before, {
    type: 'delta',
    seq: 2,
    changes: [
      { type: 'card', card: cardIn('gate', 1) },
      { type: 'card', card: cardIn('done', 9) },
      { type: 'gone', id: idOf(2) },
      { type: 'column', column: { group: 'queued', found: 0, total: 0 } },
    ],
  });
  expect(isGap).toBe(false);
  expect(idsIn(state, 'queued')).toEqual([]);
  expect(idsIn(state, 'needs-you')).toEqual([idOf(1)]);
  expect(idsIn(state, 'done')).toEqual([idOf(9)]);
  expect(passages).toEqual([{ card: cardIn('gate', 1), from: 'queued' }]);
  expect(state.columns[0]).toMatchObject({ found: 0, total: 0 });
});

test('after a missed delta nothing is taken in before the next snapshot, and the gap is told once', () => {
  const delta = (seq: number): StateMessage => ({
    type: 'delta',
    seq,
    changes: [{ type: 'gone', id: idOf(1) }],
  });
  const missed = receiveBoard(after(snapshot(1, cardIn('queued', 1))), delta(3));
  expect(missed.isGap).toBe(true);
  const later = receiveBoard(missed.state, delta(4));
  expect(later.isGap).toBe(false);
  expect(idsIn(later.state, 'queued')).toEqual([idOf(1)]);
  expect(idsIn(receiveBoard(later.state, snapshot(9)).state, 'queued')).toEqual([]);
});

test('what went to another column while nobody listened is told with the snapshot', () => {
  const { passages } = receiveBoard(after(snapshot(1, cardIn('queued', 1))), snapshot(1, cardIn('done', 1)));
  expect(passages.map(({ from, card }) => [from, card.group])).toEqual([['queued', 'done']]);
});

test('there is nothing to show, and why', () => {
  const state = after(snapshot(1, cardIn('queued', 1)), {
    type: 'unavailable',
    message: 'The engine failed.',
    remedy: null,
  });
  expect(state).toMatchObject({ access: null, unavailable: { message: 'The engine failed.' } });
});

test('arrow keys lead from card to card, over empty columns, and nowhere beyond the ends', () => {
  const { columns } = after(
    snapshot(1, ...[1, 2, 3].map((number) => cardIn('queued', number)), cardIn('gate', 4), cardIn('done', 5)),
  );
  const from = (number: number, key: string): number =>
    [1, 2, 3, 4, 5].findIndex((each) => idOf(each) === nextCard(columns, idOf(number), key)) + 1;
  expect(from(1, 'ArrowDown')).toBe(2);
  expect(from(3, 'ArrowDown')).toBe(4);
  expect(from(4, 'ArrowUp')).toBe(3);
  expect(from(3, 'ArrowRight')).toBe(4);
  expect(from(5, 'ArrowLeft')).toBe(4);
  expect(from(2, 'Home')).toBe(1);
  expect(from(2, 'End')).toBe(3);
  for (const [number, key] of [
    [1, 'ArrowUp'],
    [1, 'ArrowLeft'],
    [5, 'ArrowDown'],
    [5, 'ArrowRight'],
    [1, 'x'],
    [9, 'ArrowDown'],
  ] as const)
    expect(from(number, key)).toBe(0);
});

test('Tab stops at the card of the last focus, or at the first when that one is gone', () => {
  const { columns } = after(snapshot(1, cardIn('queued', 1), cardIn('gate', 4)));
  expect(tabStop(columns, idOf(4))).toBe(idOf(4));
  expect(tabStop(columns, idOf(9))).toBe(idOf(1));
  expect(tabStop([], null)).toBeNull();
});
