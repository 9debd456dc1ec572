import { diffLines } from 'diff';

/** One row of two texts side by side; null = the side has no such line. */
export interface DiffRow {
  readonly kind: 'same' | 'changed' | 'removed' | 'added';
  readonly left: string | null;
  readonly right: string | null;
}

/** Texts that take longer are as good as unrelated; the page stands still meanwhile. */
const longestMs = 1_000;

/** The lines of two texts beside each other; null when they differ too much to compare. */
export function sideBySide(before: string, after: string): readonly DiffRow[] | null {
  const parts = diffLines(before, after, { timeout: longestMs });
  if (parts === undefined) return null;
  const rows: DiffRow[] = [];
  let removed: string[] = [];
  const flush = (): void => {
    for (const line of removed) rows.push({ kind: 'removed', left: line, right: null });
    removed = [];
  };
  for (const part of parts) {
    const lines = linesOf(part.value);
    if (part.removed) {
      flush();
      removed = lines;
    } else if (part.added) {
      for (const line of lines) {
        const left = removed.shift();
        if (left === undefined) rows.push({ kind: 'added', left: null, right: line });
        else rows.push({ kind: 'changed', left, right: line });
      }
      flush();
    } else {
      flush();
      for (const line of lines) rows.push({ kind: 'same', left: line, right: line });
    }
  }
  flush();
  return rows;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
