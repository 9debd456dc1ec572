import type { Clock } from '../../src/engine/ports/clock.ts';

/** A clock that stands still until it is set; timers fire when it passes them. */
export class SteppedClock implements Clock {
  private time: number;
  private readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(time: number) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }

  at(at: number, callback: () => void): () => void {
    const timer = { at, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** As on a machine with too much to do: timers do not fire yet. */
  setLate(time: number): void {
    this.time = time;
  }

  set(time: number): void {
    this.time = time;
    for (const timer of [...this.timers].filter(({ at }) => at <= time)) {
      this.timers.delete(timer);
      timer.callback();
    }
  }
}
