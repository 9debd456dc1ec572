import type { Clock } from '../ports/clock.ts';
import { readIfPresent, writeWhole } from '../process/runDirectory.ts';
import type { ContainerUser } from './containerSpec.ts';
import { giveOne } from './runFolder.ts';

/** A container lives this long without hearing from an engine. */
const leaseMs = 60 * 60_000;
/** Well below what process 1 gives an engine that wakes together with it. */
const renewEveryMs = 4 * 60_000;

/** The time at which a container ends by itself, in a file that its process 1 reads. */
export class LeaseDeadline {
  private readonly path: string;
  private readonly giveTo: ContainerUser | null;
  private readonly clock: Clock;
  private cancel: (() => void) | null = null;
  private stopped = false;
  /** Extensions go one after the other: each reads what the one before wrote. */
  private writing: Promise<void> = Promise.resolve();

  constructor(path: string, giveTo: ContainerUser | null, clock: Clock) {
    this.path = path;
    this.giveTo = giveTo;
    this.clock = clock;
  }

  /** Moves the deadline to at least `until` (epoch ms), never back. */
  extend(until: number): Promise<void> {
    const write = async () => {
      const seconds = Math.ceil(until / 1000);
      const current = Number(await readIfPresent(this.path)) || 0;
      if (seconds <= current) return;
      await writeWhole(this.path, `${seconds}\n`);
      if (this.giveTo !== null) await giveOne(this.path, this.giveTo);
    };
    const result = this.writing.then(write);
    this.writing = result.catch(() => {});
    return result;
  }

  /** Extends it now, and from time to time until `stop`. */
  async keep(onError: (error: unknown) => void): Promise<void> {
    await this.extend(this.clock.now() + leaseMs);
    const renew = () => {
      if (this.stopped) return;
      this.cancel = this.clock.at(this.clock.now() + renewEveryMs, () => {
        this.extend(this.clock.now() + leaseMs).then(renew, onError);
      });
    };
    renew();
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }
}
