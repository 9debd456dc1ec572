import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { openAPIRouteHandler } from 'hono-openapi';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { rateLimiter, MemoryStore } from 'hono-rate-limiter';
import type { Logger } from '../ports/logger.ts';
import { version } from '../../../package.json';
import type { Doorkeeper } from './access/doorkeeper.ts';
import type { IdempotentAnswers } from './idempotency.ts';
import { Problem, problemBody, problemOf, tooMany } from './problem.ts';
import { readBody } from './requestBody.ts';
import { moveRoutes } from './routes/moves.ts';
import { readRoutes } from './routes/reads.ts';
import { serverRoutes } from './routes/serverRoutes.ts';
import { eventRoutes, outputRoutes } from './routes/streams.ts';
import { vibeKanbanRoutes } from './routes/vibeKanbanRoutes.ts';
import type { ServerContext, ServerEnv } from './serverContext.ts';

const minuteMs = 60_000;

export interface AppLimits {
  readonly bodyBytes: number;
  /** Requests a minute, of all clients together: they are all this person's. */
  readonly readsPerMinute: number;
  readonly movesPerMinute: number;
  /** Requests without a right token or ticket. */
  readonly refusalsPerMinute: number;
}

export interface AppOptions {
  readonly context: ServerContext;
  readonly doorkeeper: Doorkeeper;
  readonly idempotentAnswers: IdempotentAnswers;
  readonly limits: AppLimits;
  /** Folder of the board's page; null = no page. */
  readonly pages: string | null;
  readonly logger: Logger;
}

export interface App {
  readonly app: Hono<ServerEnv>;
  /** Counts a refused upgrade, which `app` does not see, among the refused requests. The seconds to wait where they are too many, else null. */
  countRefusal(): number | null;
  /** Lets go of its timers. */
  dispose(): void;
}

/** The server's addresses with everything that stands before them. */
export function makeApp(options: AppOptions): App {
  const { context, doorkeeper, limits, logger } = options;
  const app = new Hono<ServerEnv>();
  const store = new MemoryStore<ServerEnv>();

  app.onError((error, c) => answerProblem(c, error, context, logger));
  app.notFound((c) =>
    answerProblem(
      c,
      new Problem(
        404,
        'no-such-address',
        'There is nothing at this address.',
        'GET /openapi.json lists them all.',
      ),
      context,
      logger,
    ),
  );

  app.use(async (c, next) => {
    doorkeeper.checkPlace({ host: c.req.header('host'), origin: c.req.header('origin') });
    await next();
    if (!c.env.outgoing.headersSent) c.header('x-content-type-options', 'nosniff');
  });
  app.use(
    cors({
      origin: (origin) => (doorkeeper.isAllowedOrigin(origin) ? origin : null),
      allowHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'range'],
      allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
      exposeHeaders: ['content-range', 'retry-after'],
      maxAge: 600,
    }),
  );
  app.use(async (c, next) => {
    if (isPublic(c)) return next();
    let refusal: Error | null = null;
    try {
      c.set(
        'admission',
        doorkeeper.admit({
          host: c.req.header('host'),
          origin: c.req.header('origin'),
          authorization: c.req.header('authorization'),
          ticket: isStream(c.req.path) ? (c.req.query('ticket') ?? null) : null,
        }),
      );
    } catch (error) {
      refusal = error instanceof Error ? error : new Error(String(error));
    }
    c.set('refusal', refusal);
    return next();
  });
  app.use(
    rateLimiter<ServerEnv>({
      windowMs: minuteMs,
      store,
      keyGenerator: kindOf,
      limit: (c) => limits[`${kindOf(c)}PerMinute`],
      standardHeaders: 'draft-7',
      handler: () => {
        throw tooMany();
      },
    }),
  );
  app.use(async (c, next) => {
    const refusal = c.get('refusal');
    if (refusal !== undefined && refusal !== null) throw refusal;
    if (isMove(c) && c.get('admission').access === 'read')
      throw new Problem(
        403,
        'read-only',
        'This server, or this ticket, only shows.',
        'Start the server without --read-only.',
      );
    return next();
  });
  app.use(readBody(limits.bodyBytes));
  app.use('/api/orchestrator/*', onlyJson, idempotent(options.idempotentAnswers));
  app.use('/api/tickets', onlyJson);

  app.route('/api/orchestrator', readRoutes(context));
  app.route('/api/orchestrator', outputRoutes(context));
  app.route('/api/orchestrator', moveRoutes(context));
  app.route('/api/events', eventRoutes(context));
  app.route('/api', vibeKanbanRoutes(context));
  app.route('/', serverRoutes(context, options.pages));
  app.get(
    '/openapi.json',
    openAPIRouteHandler(app, {
      documentation,
      excludeStaticFile: false,
      defaultValidationErrorResponse: false,
    }),
  );
  return {
    app,
    countRefusal() {
      const kind: RequestKind = 'refusals';
      const { totalHits, resetTime } = store.increment(kind);
      if (totalHits <= limits[`${kind}PerMinute`] || resetTime === undefined) return null;
      return Math.max(1, Math.ceil((resetTime.getTime() - context.now()) / 1000));
    },
    dispose: () => store.shutdown(),
  };
}

const documentation = {
  openapi: '3.1.0',
  info: {
    title: 'Orchestrator Manager',
    version,
    description: 'The local server of an orchestrator: tasks through specification, implementation and QA.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
  security: [{ token: [] }],
};

/** What holds nothing of the tasks. */
function isPublic({ req: { path, method } }: Context<ServerEnv>): boolean {
  return method === 'GET' && (path === '/' || path === '/api/health' || path.startsWith('/board/'));
}

/** What a browser opens by address alone. */
const isStream = (path: string): boolean => path.startsWith('/api/events') || path.endsWith('/output');

const isMove = ({ req: { path, method } }: Context<ServerEnv>): boolean =>
  !['GET', 'HEAD'].includes(method) && path !== '/api/tickets';

type RequestKind = 'reads' | 'moves' | 'refusals';

function kindOf(c: Context<ServerEnv>): RequestKind {
  const refusal = c.get('refusal');
  if (refusal !== undefined && refusal !== null) return 'refusals';
  return isMove(c) ? 'moves' : 'reads';
}

/** A body in another form would be taken for none; and a page of another site can send forms without being asked. */
const onlyJson: MiddlewareHandler<ServerEnv> = async (c, next) => {
  const hasBody =
    c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length') ?? 0) > 0;
  if (hasBody && !/^application\/json(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new Problem(415, 'only-json', 'A body is JSON.', 'Send it with `Content-Type: application/json`.');
  await next();
};

function idempotent(answers: IdempotentAnswers): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (key === undefined || ['GET', 'HEAD'].includes(c.req.method)) return next();
    const kept = await answers.answer(key, [c.req.method, c.req.path, await c.req.text()], async () => {
      await next();
      const { status, headers } = c.res;
      return { status, type: headers.get('content-type'), body: await c.res.text() };
    });
    c.res = new Response(kept.body, {
      status: kept.status,
      headers: kept.type === null ? {} : { 'content-type': kept.type },
    });
    return undefined;
  };
}

/** Addresses that answer as Vibe Kanban does, refusals too. */
const isEnveloped = (path: string): boolean => /^\/api\/(tasks|projects|health)(\/|$)/.test(path);

function answerProblem(
  c: Context<ServerEnv>,
  error: Error,
  context: ServerContext,
  logger: Logger,
): Response {
  const hidden = [context.project.path, context.feed.storagePath ?? '', ...context.secrets()];
  const malformed =
    error instanceof HTTPException && error.status < 500
      ? new Problem(400, 'bad-request', 'The body is no JSON that can be read.')
      : null;
  let problem = malformed ?? problemOf(error, hidden);
  if (problem === null) {
    logger.error('server.failed', {
      method: c.req.method,
      path: c.req.path,
      error: error.stack ?? error.message,
    });
    problem = new Problem(500, 'internal', 'This is a defect of the orchestrator; its log tells more.');
  }
  const headers = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  if (isEnveloped(c.req.path)) {
    const body = { success: false, data: null, error_data: null, message: problem.message };
    return c.json(body, problem.status, headers);
  }
  return c.body(JSON.stringify(problemBody(problem)), problem.status, {
    ...headers,
    'content-type': 'application/problem+json',
  });
}
