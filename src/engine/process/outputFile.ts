import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteFilter } from './redactor.ts';

/** A stream still open after all its known writers died is held by a stranger; this long without a byte settles it. */
const quietMs = 2_000;

/** Copies one output stream of a program into a file, filtered. A slow disk slows the program down and loses nothing. */
export class OutputFile {
  /** Never resolves; rejects when the output could not be written. */
  readonly failed: Promise<never>;
  private readonly done: Promise<void>;
  private readonly source: Readable;
  /** Counts steps, so that standing still can be told from being slow. */
  private progress = 0;
  private writing = false;
  private cut = false;

  /** Owns the file from now on. Reads at once, before the program can end, though the file may come later. */
  constructor(source: Readable, file: Promise<FileHandle>, filter: ByteFilter) {
    this.source = source;
    this.done = this.copy(file, filter);
    this.failed = this.done.then(() => new Promise<never>(() => {}));
    // Told to those who wait for it, who may come later than the failure.
    this.failed.catch(() => undefined);
  }

  /** For after the program's end: waits until all is on disk, but not for a stranger who inherited the stream and keeps it open. */
  async finish(): Promise<void> {
    const done = this.done.then(() => true);
    for (;;) {
      const before = this.progress;
      const timer = new AbortController();
      const quiet = delay(quietMs, false, { signal: timer.signal }).catch(() => false);
      const isDone = await Promise.race([done, quiet]).finally(() => timer.abort());
      if (isDone) return;
      if (this.progress === before && !this.writing) {
        this.cut = true;
        this.source.destroy();
      }
    }
  }

  private async copy(place: Promise<FileHandle>, filter: ByteFilter): Promise<void> {
    const chunks = this.chunks();
    const first = chunks.next();
    // Awaited below, unless there is no file.
    first.catch(() => undefined);
    const file = await place;
    try {
      for (let next = await first; next.done !== true; next = await chunks.next()) {
        this.writing = true;
        await file.appendFile(filter.push(next.value));
        this.writing = false;
        this.progress += 1;
      }
      await file.appendFile(filter.end());
      // An exit record that survives a power cut must not stand for output that did not.
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async *chunks(): AsyncGenerator<Buffer> {
    try {
      yield* this.source as AsyncIterable<Buffer>;
    } catch (error) {
      if (!this.cut) throw error;
    }
  }
}
