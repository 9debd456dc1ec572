import type { ServerResponse } from 'node:http';

/** Unread bytes that a client may have waiting before it is let go. */
const longestQueue = 1024 * 1024;

/** A client that is let go may still take what it was sent, for so long. */
const partingMs = 10_000;

/**
 * One client of an event stream, on Node's own response: frames are bytes that were made once for all clients, and what a
 * slow client has not read is counted and bounded.
 */
export class EventClient {
  private readonly response: ServerResponse;
  private ended = false;
  private drains: (() => void)[] = [];
  /** Epoch ms since which it takes nothing; null while it does. */
  private stalledSince: number | null = null;

  /** `headers` on top of those of an event stream; `retryMs`: how soon a client that lost it comes back. */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, retryMs: number) {
    this.response = response;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.on('drain', () => this.wake());
    response.on('close', () => {
      this.ended = true;
      this.wake();
    });
    response.write(`retry: ${retryMs}\n\n`);
  }

  get isOver(): boolean {
    return this.ended;
  }

  onClose(listener: () => void): void {
    if (this.response.destroyed) listener();
    else this.response.once('close', listener);
  }

  /** A client that has too much unread is closed after the last whole event, and comes back for the rest. */
  write(frames: Uint8Array | string): void {
    if (this.ended) return;
    if (this.response.writableLength > longestQueue) {
      this.end();
      return;
    }
    this.response.write(frames);
  }

  /** Resolves when it has taken what it was sent, or is gone. */
  async drained(): Promise<void> {
    if (this.ended || !this.response.writableNeedDrain) return;
    await new Promise<void>((resolve) => this.drains.push(resolve));
  }

  /** Ends the stream in good order; whoever takes nothing any more is cut off a little later. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.wake();
    const cut = setTimeout(() => this.response.destroy(), partingMs);
    cut.unref();
    this.response.once('close', () => clearTimeout(cut));
    this.response.end();
  }

  destroy(): void {
    this.response.destroy();
  }

  /** `now`: epoch ms; called at each beat. A client that takes nothing for longer than this is cut off. */
  checkStall(now: number, longestStallMs: number): void {
    if (!this.response.writableNeedDrain) this.stalledSince = null;
    else if (this.stalledSince === null) this.stalledSince = now;
    else if (now - this.stalledSince >= longestStallMs) this.response.destroy();
  }

  private wake(): void {
    const waiting = this.drains;
    this.drains = [];
    for (const resolve of waiting) resolve();
  }
}
