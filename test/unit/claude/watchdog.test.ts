import { expect, onTestFinished, test } from 'vitest';
import type { StopReason } from '../../../src/engine/claude/outcome.ts';
import { defaultLimits, Watchdog } from '../../../src/engine/claude/watchdog.ts';
import { ManualClock } from '../../support/dockerEngineFake.ts';

function watched(): { clock: ManualClock; reasons: StopReason[] } {
  const clock = new ManualClock();
  const reasons: StopReason[] = [];
  const watchdog = new Watchdog(clock, defaultLimits, (reason) => reasons.push(reason));
  onTestFinished(() => watchdog.close());
  return { clock, reasons };
}

test('a run that shows nothing within its time is ended', () => {
  const { clock, reasons } = watched();
  clock.advance(defaultLimits.startMs);
  expect(reasons).toEqual(['start-timeout']);
});

test('a machine that wakes gives the run its whole time anew: it slept too, or its output is yet to be read', () => {
  const { clock, reasons } = watched();
  clock.advance(8 * 60 * 60_000);
  expect(reasons).toEqual([]);
  clock.advance(defaultLimits.startMs - 1);
  expect(reasons).toEqual([]);
  clock.advance(1);
  expect(reasons).toEqual(['start-timeout']);
});
