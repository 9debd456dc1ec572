import { expect, test } from 'vitest';
import { sideBySide } from '../../../webview-ui/src/textDiff.ts';

test('puts changed lines beside each other, and leaves the other side empty for the rest', () => {
  expect(sideBySide('a\nb\nc\n', 'a\nB\nB2\nc\nd\n')).toEqual([
    { kind: 'same', left: 'a', right: 'a' },
    { kind: 'changed', left: 'b', right: 'B' },
    { kind: 'added', left: null, right: 'B2' },
    { kind: 'same', left: 'c', right: 'c' },
    { kind: 'added', left: null, right: 'd' },
  ]);
  expect(sideBySide('a\nb\n', 'a\n')).toEqual([
    { kind: 'same', left: 'a', right: 'a' },
    { kind: 'removed', left: 'b', right: null },
  ]);
});

test('gives up on texts that have too little in common', () => {
  const lines = (word: string): string =>
    Array.from({ length: 6_000 }, (_, at) => `${word} ${at}\n`).join('');
  expect(sideBySide(lines('one'), lines('other'))).toBeNull();
});
