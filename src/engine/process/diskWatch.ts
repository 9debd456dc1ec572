import { statfs } from 'node:fs/promises';
import type { Clock } from '../ports/clock.ts';
import { bytesOf, filesWritten, removeLargest } from './writtenFiles.ts';

export interface DiskSpace {
  /** Bytes that an ordinary user may still write. */
  readonly free: number;
  readonly total: number;
}

/** Programs that filled the disk, in bytes. */
export interface Overrun {
  readonly written: number;
  /** What was left free then. */
  readonly free: number;
}

export interface DiskWatchOptions {
  /** Where the programs write; the space of its file system is what counts. */
  readonly folder: string;
  /** Epoch ms: files changed after it are theirs. */
  readonly since: number;
  readonly clock: Clock;
  /** Ends the programs. Called again until the watch is ended, should it fail or come too early. */
  readonly stop: () => Promise<void>;
  readonly spaceOf?: (folder: string) => Promise<DiskSpace>;
}

const mib = 2 ** 20;
const gib = 2 ** 30;

/** Below this much free space someone is called to account. Room for the engine's own records and for other tasks. */
const reserveOf = ({ total }: DiskSpace): number => Math.min(gib, total / 20);

/** Who wrote less did not fill the disk. */
const lightOf = (space: DiskSpace): number => Math.max(mib, reserveOf(space) / 4);

/** No build needs more, and what else is on the machine shall not feel it. */
const mostWritten = 32 * gib;

/** What one run may write: half of what was free at first. */
const allowanceOf = (space: DiskSpace): number =>
  Math.max(lightOf(space), Math.min(mostWritten, space.free / 2));

/** What may be put aside of the work of programs that filled the disk. */
const mostKept = 16 * mib;

const longestMs = 1_000;
const shortestMs = 50;

/** Looking at all files may take this part of the time at most. */
const timeForFiles = 1 / 10;

/**
 * Watches the free space while programs run, and ends them when they fill the disk: when they wrote too much in all, or
 * a fair share of what is missing to the reserve. Costs a `statfs` now and then, the more often the faster space goes;
 * the files are looked at only when so much is gone that these programs may be the cause.
 */
export class DiskWatch {
  private readonly options: DiskWatchOptions;
  private readonly spaceOf: (folder: string) => Promise<DiskSpace>;
  private first: DiskSpace | null = null;
  private last: { readonly free: number; readonly at: number } | null = null;
  /** How much has to be gone before the files are looked at, while the reserve is there. */
  private suspicious = 0;
  private filesNotBefore = 0;
  private overrun: Overrun | null = null;
  private looking: Promise<void> = Promise.resolve();
  private isEnded = false;
  private cancel: () => void = () => {};

  constructor(options: DiskWatchOptions) {
    this.options = options;
    this.spaceOf = options.spaceOf ?? spaceOf;
    this.looking = this.look();
    // Told by `end`.
    this.looking.catch(() => undefined);
  }

  /**
   * For when the programs have ended: null when they did not fill the disk. Otherwise most of what they wrote is removed,
   * so that nothing copies it any more. Rejects when the disk could not be looked at.
   */
  async end(): Promise<Overrun | null> {
    this.close();
    await this.looking;
    // An engine that died after it had ended the programs did not get to this.
    await this.judge(await this.measure(), 'at-once');
    if (this.overrun !== null) {
      const { folder, since } = this.options;
      await removeLargest(folder, since, Math.min(mostKept, lightOf(await this.spaceOf(folder))));
    }
    return this.overrun;
  }

  /** The programs go on without this watch. */
  close(): void {
    this.isEnded = true;
    this.cancel();
  }

  private async look(): Promise<void> {
    const space = await this.measure();
    const { clock } = this.options;
    const { last } = this;
    this.last = { free: space.free, at: clock.now() };
    await this.judge(space, 'in-time');
    // One that cannot be ended yet (its container's engine is away, no room for its record) is tried again.
    if (this.overrun !== null && !this.isEnded) await this.options.stop().catch(() => undefined);
    if (this.isEnded) return;
    const due = clock.now() + (this.overrun === null ? this.pause(space, last) : longestMs);
    this.cancel = clock.at(due, () => {
      this.looking = this.look();
      this.looking.catch(() => undefined);
    });
  }

  private async measure(): Promise<DiskSpace> {
    const space = await this.spaceOf(this.options.folder);
    if (this.first === null) {
      this.first = space;
      this.suspicious = allowanceOf(space);
    }
    return space;
  }

  private async judge(space: DiskSpace, when: 'in-time' | 'at-once'): Promise<void> {
    const { folder, since, clock } = this.options;
    const first = this.first ?? space;
    const isShort = space.free < reserveOf(space);
    const gone = first.free - space.free;
    if (this.overrun !== null || (!isShort && gone < this.suspicious)) return;
    if (when === 'in-time' && clock.now() < this.filesNotBefore) return;
    const begun = clock.now();
    const written = bytesOf(await filesWritten(folder, since));
    const allowed = isShort ? lightOf(space) : allowanceOf(first);
    if (written >= allowed) this.overrun = { written, free: space.free };
    this.suspicious = gone + Math.max(lightOf(space), allowanceOf(first) - written);
    this.filesNotBefore = clock.now() + (clock.now() - begun) / timeForFiles;
  }

  /** Half of the time that the space above the reserve lasts if it goes on going as it went. */
  private pause(space: DiskSpace, last: { readonly free: number; readonly at: number } | null): number {
    if (last === null) return shortestMs;
    const gone = last.free - space.free;
    if (gone <= 0) return longestMs;
    const left = Math.max(0, space.free - reserveOf(space));
    const lasts = (left / gone) * (this.options.clock.now() - last.at);
    return Math.min(longestMs, Math.max(shortestMs, lasts / 2));
  }
}

async function spaceOf(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}
