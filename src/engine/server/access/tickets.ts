import { randomBytes } from 'node:crypto';
import type { Clock } from '../../ports/clock.ts';
import type { Access } from './access.ts';

/** Long enough to open a stream with; a ticket may end up in a log or a browser's history. */
export const ticketLifeMs = 60_000;

/** More than any number of pages needs: whoever asks for more loses the oldest. */
const mostTickets = 1_000;

interface Ticket {
  readonly access: Access;
  validUntil: number;
  /** Streams that were opened with it and stand. */
  open: number;
}

/**
 * What stands in for the token where a browser cannot send one: in the address of an EventSource or a WebSocket. A ticket
 * lives as long as a stream that was opened with it, and a minute: so a page's EventSource comes back by itself.
 */
export class Tickets {
  private readonly clock: Clock;
  private readonly tickets = new Map<string, Ticket>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get size(): number {
    return this.tickets.size;
  }

  issue(access: Access): string {
    const now = this.clock.now();
    for (const [name, ticket] of this.tickets)
      if (ticket.open === 0 && (ticket.validUntil <= now || this.tickets.size >= mostTickets))
        this.tickets.delete(name);
    const name = randomBytes(32).toString('base64url');
    this.tickets.set(name, { access, validUntil: now + ticketLifeMs, open: 0 });
    return name;
  }

  /** What it allows; null when it is none, or over. */
  accessOf(name: string): Access | null {
    const ticket = this.tickets.get(name);
    if (ticket === undefined) return null;
    return ticket.open > 0 || ticket.validUntil > this.clock.now() ? ticket.access : null;
  }

  /** Keeps it alive while a stream stands; the returned function ends that, once. */
  hold(name: string): () => void {
    const ticket = this.tickets.get(name);
    if (ticket === undefined) return () => undefined;
    ticket.open += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      ticket.open -= 1;
      ticket.validUntil = this.clock.now() + ticketLifeMs;
    };
  }

  /** It was for one use. */
  spend(name: string): void {
    this.tickets.delete(name);
  }
}
