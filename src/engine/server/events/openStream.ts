import type { Context } from 'hono';
import { Problem } from '../problem.ts';
import type { ServerContext, ServerEnv } from '../serverContext.ts';
import { EventClient } from './eventClient.ts';

/** Begins an event stream on Node's response. The handler then answers with `RESPONSE_ALREADY_SENT`. */
export function openStream(
  c: Context<ServerEnv>,
  { heartbeat, tickets, retryMs }: ServerContext,
): EventClient {
  if (c.req.raw.method === 'HEAD') throw new Problem(405, 'only-get', 'A stream is opened with GET.');
  // What the middleware wants every answer to carry: hono does not write this one.
  const headers = Object.fromEntries(c.res.headers);
  const client = new EventClient(c.env.outgoing, headers, retryMs);
  const { ticket } = c.get('admission');
  if (ticket !== null) client.onClose(tickets.hold(ticket));
  heartbeat.add(client);
  return client;
}

/** The number that the client has seen last; null when it comes for the first time. */
export function lastEventId(c: Context<ServerEnv>): number | null {
  const text = c.req.header('last-event-id') ?? c.req.query('last_event_id') ?? '';
  if (text === '') return null;
  if (!/^\d{1,15}$/.test(text))
    throw new Problem(
      400,
      'bad-event-id',
      'Last-Event-ID is the `id` of an event of this stream: a whole number.',
    );
  return Number(text);
}
