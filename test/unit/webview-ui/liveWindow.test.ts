import { expect, test } from 'vitest';
import { runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import type { LiveEntry } from '../../../src/engine/protocol/inspector.ts';
import { LiveWindow } from '../../../webview-ui/src/liveWindow.ts';

const runId = runIdOf(taskIdOf('00000000-0000-4000-8000-000000000000'), 'qa', 1);

const entries = (from: number, count: number): LiveEntry[] =>
  Array.from({ length: count }, (_, at) => ({
    index: from + at,
    kind: 'says',
    text: `entry ${from + at}`,
    hasDetail: false,
    call: null,
  }));

const state = (total: number, ended = false) => ({ runId, total, ended });

test('holds a bounded number of entries however many there are', () => {
  const window = new LiveWindow();
  for (let total = 100; total <= 100_000; total += 100) window.grow(state(total), entries(total - 100, 100));
  expect(window.total).toBe(100_000);
  expect(window.held).toBeLessThanOrEqual(4_000);
  expect(window.at(99_999)?.text).toBe('entry 99999');
  expect(window.at(0)).toBeUndefined();
});

test('asks for what it lacks, in bounded ranges, and for each only once until it is settled', () => {
  const window = new LiveWindow();
  window.grow(state(1_050), entries(1_040, 10));
  expect(window.missing(150, 320)).toEqual([
    { from: 100, count: 100 },
    { from: 200, count: 100 },
    { from: 300, count: 100 },
  ]);
  expect(window.missing(150, 320)).toEqual([]);
  window.accept(entries(100, 100));
  window.settle(100);
  window.settle(200);
  expect(window.missing(150, 250)).toEqual([{ from: 200, count: 100 }]);
});

test('does not ask for what the tail brought', () => {
  const window = new LiveWindow();
  window.grow(state(1_050), entries(1_000, 50));
  expect(window.missing(1_020, 1_049)).toEqual([]);
  expect(window.missing(990, 1_049)).toEqual([{ from: 900, count: 100 }]);
});

test('asks for the entries that a tail left out', () => {
  const window = new LiveWindow();
  window.grow(state(10), entries(0, 10));
  window.grow(state(90), entries(80, 10));
  expect(window.missing(0, 9)).toEqual([]);
  expect(window.missing(0, 89)).toEqual([{ from: 0, count: 90 }]);
});

test('a call that is held has its result, and one that is not changes nothing', () => {
  const window = new LiveWindow();
  window.grow(state(300), [{ index: 299, kind: 'does', text: 'Bash', hasDetail: true, call: 'open' }]);
  window.answer([
    { index: 299, call: 'failed' },
    { index: 3, call: 'done' },
  ]);
  expect(window.at(299)?.call).toBe('failed');
  expect(window.at(3)).toBeUndefined();
  expect(window.held).toBe(1);
});

test('after something was missed everything is asked for anew, and the length stays', () => {
  const window = new LiveWindow();
  window.grow(state(50), entries(0, 50));
  window.forget();
  expect(window.total).toBe(50);
  expect(window.missing(0, 49)).toEqual([{ from: 0, count: 50 }]);
});
