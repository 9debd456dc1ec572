import { expect, test } from 'vitest';
import type { Clock } from '../../src/engine/ports/clock.ts';
import { SteadyClock } from '../../src/engine/steadyClock.ts';

const start = 1_700_000_000_000;
const hour = 3_600_000;

/** A machine whose time of day can be set while its timers run on, as an operating system's do. */
class SettableMachine implements Clock {
  elapsedMs = 0;
  private timeOfDay = start;
  private readonly timers = new Set<{ readonly dueAfter: number; readonly callback: () => void }>();

  now(): number {
    return this.timeOfDay;
  }

  at(at: number, callback: () => void): () => void {
    const timer = { dueAfter: this.elapsedMs + Math.max(0, at - this.timeOfDay), callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  setBy(ms: number): void {
    this.timeOfDay += ms;
  }

  pass(ms: number): void {
    this.elapsedMs += ms;
    this.timeOfDay += ms;
    for (const timer of [...this.timers].filter(({ dueAfter }) => dueAfter <= this.elapsedMs)) {
      this.timers.delete(timer);
      timer.callback();
    }
  }
}

function make(): { machine: SettableMachine; clock: SteadyClock } {
  const machine = new SettableMachine();
  return { machine, clock: new SteadyClock(machine, () => machine.elapsedMs) };
}

test('tells the time of the machine, and follows it when it is put forward', () => {
  const { machine, clock } = make();
  machine.pass(10);
  expect(clock.now()).toBe(start + 10);
  machine.setBy(hour);
  expect(clock.now()).toBe(start + 10 + hour);
});

test('ticks on when the machine is set back, and agrees with it again once that has caught up', () => {
  const { machine, clock } = make();
  machine.pass(1_000);
  machine.setBy(-hour);
  expect(clock.now()).toBe(start + 1_000);
  machine.pass(500);
  expect(clock.now()).toBe(start + 1_500);
  machine.setBy(2 * hour);
  expect(clock.now()).toBe(machine.now());
});

test('a time that is waited for comes when it should though the machine is set back meanwhile', () => {
  const { machine, clock } = make();
  let toldAt: number | null = null;
  clock.at(start + 30_000, () => (toldAt = clock.now()));
  machine.pass(10_000);
  machine.setBy(-hour);
  machine.pass(19_999);
  expect(toldAt).toBeNull();
  machine.pass(1);
  expect(toldAt).toBe(start + 30_000);
});

test('goes on from what was recorded by a clock that was ahead, and does not stand still there', () => {
  const { machine, clock } = make();
  clock.goOnFrom(start + hour);
  let told = false;
  clock.at(clock.now() + 5_000, () => (told = true));
  machine.pass(5_000);
  expect(told).toBe(true);
  expect(clock.now()).toBe(start + hour + 5_000);
});

test('a timer that fires early is set again', () => {
  const { machine, clock } = make();
  const early = new SteadyClock(
    { now: () => machine.now(), at: (at, callback) => machine.at(at - 1, callback) },
    () => machine.elapsedMs,
  );
  let toldAt: number | null = null;
  early.at(start + 100, () => (toldAt = clock.now()));
  machine.pass(99);
  expect(toldAt).toBeNull();
  machine.pass(1);
  expect(toldAt).toBe(start + 100);
});

test('what was cancelled is not told, also after the timer was set again', () => {
  const { machine, clock } = make();
  let told = false;
  const cancel = clock.at(start + 100, () => (told = true));
  machine.pass(50);
  cancel();
  machine.pass(100);
  expect(told).toBe(false);
});
