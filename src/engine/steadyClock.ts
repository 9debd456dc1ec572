import type { Clock } from './ports/clock.ts';

/**
 * A clock that neither stands still nor goes back when the machine's clock is set back: it ticks on from where it was,
 * and agrees with the machine again once that one has caught up. A time to wait for, worked out before the machine's
 * clock was set back, still comes when it should.
 */
export class SteadyClock implements Clock {
  private readonly machine: Clock;
  /** ms that pass evenly, whatever the time of day is said to be. */
  private readonly elapsed: () => number;
  private at0: number;
  private elapsed0: number;

  constructor(machine: Clock, elapsed: () => number = () => performance.now()) {
    this.machine = machine;
    this.elapsed = elapsed;
    this.at0 = machine.now();
    this.elapsed0 = elapsed();
  }

  /** Never again tells a time before this one. */
  goOnFrom(at: number): void {
    if (this.now() < at) this.set(at);
  }

  now(): number {
    const own = this.at0 + Math.floor(this.elapsed() - this.elapsed0);
    const machine = this.machine.now();
    if (machine <= own) return own;
    this.set(machine);
    return machine;
  }

  at(at: number, callback: () => void): () => void {
    let cancel = (): void => {};
    const arm = (): void => {
      const left = Math.max(0, at - this.now());
      // A timer may fire a moment early, and whoever waited for a time must not be told that it has not come yet.
      cancel = this.machine.at(this.machine.now() + left, () => (this.now() < at ? arm() : callback()));
    };
    arm();
    return () => cancel();
  }

  private set(at: number): void {
    this.at0 = at;
    this.elapsed0 = this.elapsed();
  }
}
