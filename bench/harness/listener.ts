import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

/** A client of an event stream that counts what it gets and remembers when it got it. */
export class Listener {
  bytes = 0;
  events = 0;
  lastAt = 0;
  private readonly waiting: { readonly events: number; readonly done: () => void }[] = [];
  private readonly response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.response = response;
    let previous = 0;
    response.on('data', (chunk: Buffer) => {
      this.lastAt = performance.now();
      this.bytes += chunk.length;
      for (const byte of chunk) {
        // An empty line ends an event.
        if (byte === 10 && previous === 10) this.events += 1;
        previous = byte;
      }
      for (const { events, done } of this.waiting.splice(0))
        if (this.events >= events) done();
        else this.waiting.push({ events, done });
    });
    // Servers that close cut their streams off.
    response.on('error', () => {});
  }

  static async open(url: string, token: string, lastEventId?: number): Promise<Listener> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    };
    const asked = request(url, { headers, agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`);
    return new Listener(response);
  }

  /** Resolves when so many have come in all. */
  reach(events: number): Promise<void> {
    if (this.events >= events) return Promise.resolve();
    return new Promise((done) => this.waiting.push({ events, done }));
  }

  close(): void {
    this.response.destroy();
  }
}
