import {
  cardOrder,
  type BoardAccess,
  type BoardCard,
  type BoardChange,
  type BoardColumn,
  type BoardHostMessage,
} from '../../../src/engine/protocol/board.ts';
import { taskGroups, type TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';

export type CardId = BoardCard['id'];

/** A column as it is drawn: the cards the page has of it, in their order. */
export interface ShownColumn extends BoardColumn {
  readonly cards: readonly BoardCard[];
}

/** What the page knows, from the snapshot and every delta after it. */
export interface BoardState {
  /** Null before the first snapshot. */
  readonly access: BoardAccess | null;
  readonly cards: ReadonlyMap<CardId, BoardCard>;
  readonly columns: readonly ShownColumn[];
  readonly seq: number;
  /** A delta was missed: nothing is taken in before the next snapshot. */
  readonly isWaiting: boolean;
  readonly unavailable: { readonly message: string; readonly remedy: string | null } | null;
}

export const emptyBoard: BoardState = {
  access: null,
  cards: new Map(),
  columns: [],
  seq: 0,
  isWaiting: true,
  unavailable: null,
};

/** A card that went from one column to another. */
export interface Passage {
  readonly card: BoardCard;
  readonly from: TaskGroup;
}

export interface BoardReception {
  readonly state: BoardState;
  /** A delta does not follow the last one: the page needs a snapshot. Told once. */
  readonly isGap: boolean;
  readonly passages: readonly Passage[];
}

type StateMessage = Extract<BoardHostMessage, { type: 'snapshot' | 'delta' | 'unavailable' }>;

/** Takes in a message of the host. Pure. */
export function receiveBoard(state: BoardState, message: StateMessage): BoardReception {
  switch (message.type) {
    case 'snapshot': {
      const cards = new Map(message.cards.map((card) => [card.id, card]));
      return {
        state: {
          access: message.access,
          cards,
          columns: columnsOf(cards, message.columns),
          seq: message.seq,
          isWaiting: false,
          unavailable: null,
        },
        isGap: false,
        passages: passagesBetween(state.cards, cards),
      };
    }
    case 'delta': {
      if (state.isWaiting) return { state, isGap: false, passages: [] };
      if (message.seq !== state.seq + 1)
        return { state: { ...state, isWaiting: true }, isGap: true, passages: [] };
      const cards = new Map(state.cards);
      for (const change of message.changes) applyTo(cards, change);
      const columns = message.changes.reduce(withColumn, state.columns);
      return {
        state: { ...state, seq: message.seq, cards, columns: columnsOf(cards, columns) },
        isGap: false,
        passages: passagesBetween(state.cards, cards),
      };
    }
    case 'unavailable':
      return {
        state: {
          ...emptyBoard,
          seq: state.seq,
          unavailable: { message: message.message, remedy: message.remedy },
        },
        isGap: false,
        passages: [],
      };
  }
}

function applyTo(cards: Map<CardId, BoardCard>, change: BoardChange): void {
  if (change.type === 'card') cards.set(change.card.id, change.card);
  else if (change.type === 'gone') cards.delete(change.id);
}

function withColumn(columns: readonly BoardColumn[], change: BoardChange): readonly BoardColumn[] {
  if (change.type !== 'column') return columns;
  return columns.map((column) => (column.group === change.column.group ? change.column : column));
}

/** Every column there is, also one that the host did not name. */
function columnsOf(
  cards: ReadonlyMap<CardId, BoardCard>,
  columns: readonly BoardColumn[],
): readonly ShownColumn[] {
  const all = [...cards.values()];
  return taskGroups.map((group) => ({
    group,
    found: 0,
    total: 0,
    ...columns.find((column) => column.group === group),
    cards: all.filter((card) => card.group === group).toSorted(cardOrder(group)),
  }));
}

function passagesBetween(
  before: ReadonlyMap<CardId, BoardCard>,
  after: ReadonlyMap<CardId, BoardCard>,
): readonly Passage[] {
  return [...after.values()].flatMap((card) => {
    const from = before.get(card.id)?.group;
    return from === undefined || from === card.group ? [] : [{ card, from }];
  });
}
