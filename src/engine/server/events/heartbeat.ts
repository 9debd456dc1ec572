import type { EventClient } from './eventClient.ts';

/** Proxies and phones drop what is silent for a minute. */
export const beatMs = 15_000;

/** Four beats without taking a byte: it is gone, and its connection only does not know yet. */
const longestStallMs = 60_000;

const comment = Buffer.from(':\n\n');

/** Every client of every event stream: one timer keeps them alive, and knows whom to end. */
export class Heartbeat {
  private readonly clients = new Set<EventClient>();
  private readonly timer: NodeJS.Timeout;

  constructor(everyMs = beatMs) {
    this.timer = setInterval(() => this.beat(), everyMs);
    this.timer.unref();
  }

  get size(): number {
    return this.clients.size;
  }

  add(client: EventClient): void {
    this.clients.add(client);
    client.onClose(() => this.clients.delete(client));
  }

  /** Ends all streams in good order. */
  close(): void {
    clearInterval(this.timer);
    for (const client of this.clients) client.end();
  }

  private beat(): void {
    const now = Date.now();
    for (const client of this.clients) {
      client.checkStall(now, longestStallMs);
      client.write(comment);
    }
  }
}
