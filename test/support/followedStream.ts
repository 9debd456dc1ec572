import { EventSource } from 'eventsource';
import { onTestFinished, vi } from 'vitest';
import { testToken } from './servedApi.ts';

export interface HeardEvent {
  readonly type: string;
  readonly id: string;
  readonly data: unknown;
}

/** An event stream followed by an independent client, from the first event on and through every break. */
export class FollowedStream {
  readonly events: HeardEvent[] = [];
  readonly source: EventSource;
  /** Times that the stream was opened. */
  opened = 0;

  constructor(url: string, types: readonly string[], token: string | null = testToken) {
    this.source = new EventSource(url, {
      fetch: (address, init) =>
        fetch(address, {
          ...init,
          headers: { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        }),
    });
    this.source.addEventListener('open', () => {
      this.opened += 1;
    });
    for (const type of types)
      this.source.addEventListener(type, (event) => {
        this.events.push({ type, id: event.lastEventId, data: JSON.parse(String(event.data)) as unknown });
      });
    onTestFinished(() => this.source.close());
  }

  /** Resolves with the events once they are as many or as said. */
  async until(condition: (events: readonly HeardEvent[]) => boolean): Promise<readonly HeardEvent[]> {
    await vi.waitFor(
      () => {
        if (!condition(this.events))
          throw new Error(
            `${this.events.length} events, the last is ${JSON.stringify(this.events.at(-1))?.slice(0, 300)}`,
          );
      },
      { timeout: 30_000, interval: 5 },
    );
    return this.events;
  }
}

export const auditTypes = ['snapshot', 'stage-update', 'task-event'] as const;
