import type { Clock } from '../../src/engine/ports/clock.ts';

/** A clock that stands still until it is set; timers fire when it passes them. */
export class SteppedClock implements Clock {
  private time: number;
  private noteTimer: () => void = () => {};
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
    this.noteTimer();
    return () => this.timers.delete(timer);
  }

  /** Resolves when so many timers are set. */
  async waited(count = 1): Promise<void> {
    while (this.timers.size < count) {
      await new Promise<void>((resolve) => {
        this.noteTimer = resolve;
      });
    }
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
