import { watch, type FSWatcher } from 'node:fs';

/**
 * Network and FUSE file systems send no events, and a dying process sends none to strangers: look again this often.
 * Reading a length or a process's state costs microseconds.
 */
const recheckMs = 2_000;

/** Wakes a waiter when one of these files of a directory may have changed; spurious wake-ups are part of the contract. */
export class DirectoryWatch {
  private readonly watcher: FSWatcher | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly signal: AbortSignal | undefined;
  private changed = false;
  private wake: (() => void) | undefined;

  /** The directory should exist; where it cannot be watched, only the re-check wakes. */
  constructor(directory: string, names: readonly string[], signal?: AbortSignal) {
    this.signal = signal;
    this.watcher = this.watch(directory, names);
    this.timer = setInterval(this.nudge, recheckMs);
    signal?.addEventListener('abort', this.nudge);
  }

  /** Resolves at the first change since it last resolved; at once if there has been one already or the signal is aborted. */
  async next(): Promise<void> {
    if (!this.changed && this.signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.wake = undefined;
    this.changed = false;
  }

  /** Makes `next` resolve, for causes outside the directory. */
  readonly nudge = (): void => {
    this.changed = true;
    this.wake?.();
  };

  close(): void {
    this.watcher?.close();
    clearInterval(this.timer);
    this.signal?.removeEventListener('abort', this.nudge);
    this.nudge();
  }

  private watch(directory: string, names: readonly string[]): FSWatcher | undefined {
    try {
      const watcher = watch(directory, { persistent: false }, (_, name) => {
        if (name === null || names.includes(name)) this.nudge();
      });
      // A watch that breaks later (directory removed, out of inotify watches) leaves the re-check in charge.
      watcher.on('error', this.nudge);
      return watcher;
    } catch {
      return undefined;
    }
  }
}
