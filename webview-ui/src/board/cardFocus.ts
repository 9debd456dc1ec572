import type { CardId, ShownColumn } from './boardState.ts';

type Columns = readonly Pick<ShownColumn, 'cards'>[];

/** The card that an arrow key leads to; null when it leads nowhere. Up and down go on into the next column, for a board in one row. */
export function nextCard(columns: Columns, from: CardId, key: string): CardId | null {
  const filled = columns.filter(({ cards }) => cards.length > 0);
  const column = filled.findIndex(({ cards }) => cards.some(({ id }) => id === from));
  const cards = filled[column]?.cards;
  if (cards === undefined) return null;
  const place = cards.findIndex(({ id }) => id === from);
  const at = (one: number, other: number): CardId | null => filled[one]?.cards.at(other)?.id ?? null;
  const beside = (one: number): CardId | null =>
    at(one, Math.min(place, (filled[one]?.cards.length ?? 0) - 1));
  switch (key) {
    case 'ArrowDown':
      return place + 1 < cards.length ? at(column, place + 1) : at(column + 1, 0);
    case 'ArrowUp':
      return place > 0 ? at(column, place - 1) : column > 0 ? at(column - 1, -1) : null;
    case 'ArrowRight':
      return beside(column + 1);
    case 'ArrowLeft':
      return column > 0 ? beside(column - 1) : null;
    case 'Home':
      return at(column, 0);
    case 'End':
      return at(column, -1);
    default:
      return null;
  }
}

/** The one card that the Tab key stops at: where the focus was last, or the first of all. */
export function tabStop(columns: Columns, focused: CardId | null): CardId | null {
  const ids = columns.flatMap(({ cards }) => cards.map(({ id }) => id));
  return focused !== null && ids.includes(focused) ? focused : (ids[0] ?? null);
}
