import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { ticketAnswer } from '../../protocol/serverApi.ts';
import { ticketLifeMs } from '../access/tickets.ts';
import { boardFile, boardPage, type PageAnswer } from '../board/boardPage.ts';
import { described, valid } from '../describe.ts';
import { Problem } from '../problem.ts';
import { ticketBody } from '../requests.ts';
import type { ServerContext, ServerEnv } from '../serverContext.ts';

const tag = 'server';

/** Tickets, measurements and the board's page. `pages`: the folder with the page's files; null = there is no page. */
export function serverRoutes(
  { tickets, measurements }: ServerContext,
  pages: string | null,
): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();

  app.post(
    '/api/tickets',
    described({
      summary: 'A ticket for the address of an EventSource or a WebSocket',
      tag,
      answer: ticketAnswer,
      problems: [422],
    }),
    valid('json', ticketBody),
    (c) => {
      const isReader = c.get('admission').access === 'read' || c.req.valid('json').access === 'read';
      return c.json({ ticket: tickets.issue(isReader ? 'read' : 'move'), expires_in: ticketLifeMs / 1_000 });
    },
  );

  app.get(
    '/metrics',
    described({ summary: 'For Prometheus', tag, answer: { media: 'text/plain' } }),
    async (c) => c.body(await measurements.text(), 200, { 'content-type': measurements.contentType }),
  );

  if (pages === null) return app;
  const answer = ({ headers, body }: PageAnswer): Response => new Response(body, { headers });
  app.get('/', described({ summary: 'The board', tag, answer: { media: 'text/html' } }), () =>
    answer(boardPage(randomBytes(16).toString('base64'))),
  );
  app.get(
    '/board/:name',
    described({ summary: "A file of the board's page", tag, answer: { media: '*/*' }, problems: [404] }),
    async (c) => {
      const file = await boardFile(pages, c.req.param('name'));
      if (file === null) throw new Problem(404, 'no-such-address', 'There is no such file.');
      return answer(file);
    },
  );
  return app;
}
