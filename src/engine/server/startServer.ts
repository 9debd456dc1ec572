import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { WebSocketServer } from 'ws';
import type { TaskFeed } from '../inspection/taskFeed.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Logger } from '../ports/logger.ts';
import { systemClock } from '../systemClock.ts';
import type { Access } from './access/access.ts';
import { Doorkeeper, loopbackOrigin, type Admission } from './access/doorkeeper.ts';
import { Tickets } from './access/tickets.ts';
import { makeApp, type AppLimits } from './app.ts';
import { acceptBoardSocket } from './board/boardSocket.ts';
import { BoardStream } from './events/boardStream.ts';
import { EventHub } from './events/eventHub.ts';
import { Heartbeat } from './events/heartbeat.ts';
import { idempotentAnswersOf } from './idempotency.ts';
import { Measurements } from './measurements.ts';
import { Problem, tooMany } from './problem.ts';
import { refuseUpgrade } from './refuseUpgrade.ts';
import type { NewTaskRules, ServerContext } from './serverContext.ts';
import { projectIdOf } from './vibeKanban.ts';

/** Only this machine can reach it. */
const loopback = '127.0.0.1';

/** A token of one's own must be as hard to guess as the random one is. */
const shortestToken = 16;

/** How long closing waits for answers under way. */
const closeGraceMs = 1_000;

/** The board's page says most; its longest note is below that. */
const longestSocketMessage = 512 * 1024;

export interface ServerLimits extends AppLimits {
  readonly connections: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How soon a client whose stream broke comes back. */
  readonly retryMs: number;
}

const defaultLimits: ServerLimits = {
  bodyBytes: 1024 * 1024,
  readsPerMinute: 12_000,
  movesPerMinute: 600,
  refusalsPerMinute: 300,
  connections: 1_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 5_000,
  retryMs: 1_000,
};

export interface ServerOptions {
  readonly feed: TaskFeed;
  /** The repository. */
  readonly project: { readonly name: string; readonly path: string };
  readonly newTask: NewTaskRules;
  /** `read`: it shows, and refuses every move. */
  readonly access: Access;
  /** 0 = a free one. */
  readonly port?: number;
  /** null = a random one. */
  readonly token?: string | null;
  /** Origins of pages on this machine that may read answers. */
  readonly allowedOrigins?: readonly string[];
  /** `dist/webview`, where the board's page lies; null = no page. */
  readonly pages: string | null;
  /** Values that must not leave this machine: they are masked in agents' output. */
  readonly secrets: () => readonly string[];
  readonly logger: Logger;
  readonly limits?: Partial<ServerLimits>;
}

export interface RunningServer {
  readonly url: string;
  readonly token: string;
  /** What it answers to. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Ends the streams in good order; answers under way have a moment. */
  close(): Promise<void>;
}

/** Serves what the feed follows on loopback. Throws `bad-input` or `environment` when it cannot. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const token = tokenOf(options.token ?? null);
  const allowedOrigins = (options.allowedOrigins ?? []).map(originOf);
  const { feed, logger } = options;
  const report = (error: unknown): void =>
    logger.error('server.stream', { error: error instanceof Error ? error.message : String(error) });
  // Rejects with what is missing before anything is opened.
  await feed.engine();
  const hub = new EventHub(feed, report);
  await hub.start().catch((error: unknown) => {
    hub.dispose();
    throw error;
  });
  const tickets = new Tickets(systemClock);
  const heartbeat = new Heartbeat();
  const project = { ...options.project, id: projectIdOf(feed.storagePath ?? options.project.path) };
  const board = new BoardStream(feed, project.id);
  const measurements = new Measurements(feed.tasks, () => heartbeat.size);
  const { newTask, secrets } = options;
  const context: ServerContext = {
    feed,
    project,
    newTask,
    tickets,
    hub,
    heartbeat,
    board,
    measurements,
    secrets,
    report,
    retryMs: limits.retryMs,
    now: () => systemClock.now(),
  };
  const doorkeeper = new Doorkeeper({ token, access: options.access, allowedOrigins, tickets });
  const { app, countRefusal, dispose } = makeApp({
    context,
    doorkeeper,
    idempotentAnswers: idempotentAnswersOf(feed),
    limits,
    pages: options.pages,
    logger,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    // Other code of the same process keeps its own Request and Response.
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    },
  }) as Server;
  server.maxConnections = limits.connections;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: longestSocketMessage,
    perMessageDeflate: false,
    clientTracking: true,
  });
  server.on('upgrade', (request, socket, head) => upgrade(request, socket, head));
  const stop = (): void => {
    hub.dispose();
    heartbeat.close();
    board.dispose();
    measurements.dispose();
    dispose();
  };
  try {
    await listen(server, options.port ?? 0);
  } catch (error) {
    stop();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  doorkeeper.listensOn(port);
  logger.info('server.listening', { port, access: options.access });

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', `http://${loopback}`);
      const ticket = searchParams.get('ticket');
      const admission = doorkeeper.admit({
        host: request.headers.host,
        origin: request.headers.origin,
        authorization: request.headers.authorization,
        ticket,
      });
      if (pathname === '/api/board/ws') {
        if (ticket !== null) tickets.spend(ticket);
        sockets.handleUpgrade(request, socket, head, (accepted) =>
          acceptBoardSocket({ socket: accepted, access: admission.access, feed, secrets: secrets(), report }),
        );
      } else if (pathname === '/api/tasks/stream/ws') {
        if (searchParams.get('project_id')?.toLowerCase() !== project.id)
          throw new Problem(
            404,
            'unknown-project',
            'There is no such project.',
            'GET /api/projects tells its id.',
          );
        sockets.handleUpgrade(request, socket, head, (accepted) => {
          holdTicket(admission, tickets, (release) => accepted.on('close', release));
          board.followTasks(accepted);
        });
      } else throw new Problem(404, 'no-such-address', 'There is no WebSocket at this address.');
    } catch (error) {
      const waitSeconds = countRefusal();
      const problem =
        error instanceof Problem ? error : new Problem(400, 'bad-request', 'The request cannot be read.');
      refuseUpgrade(socket, waitSeconds === null ? problem : tooMany(), waitSeconds);
    }
  }

  let closed: Promise<void> | null = null;
  return {
    url: `http://${loopback}:${port}`,
    token,
    routes: app.routes.map(({ method, path }) => ({ method, path })),
    close() {
      closed ??= (async () => {
        stop();
        for (const client of sockets.clients) client.close(1001);
        const gone = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        const cut = setTimeout(() => {
          for (const client of sockets.clients) client.terminate();
          server.closeAllConnections();
        }, closeGraceMs);
        await gone;
        clearTimeout(cut);
        sockets.close();
      })();
      return closed;
    },
  };
}

function holdTicket({ ticket }: Admission, tickets: Tickets, onClose: (release: () => void) => void): void {
  if (ticket !== null) onClose(tickets.hold(ticket));
}

function tokenOf(given: string | null): string {
  if (given === null) return randomBytes(32).toString('base64url');
  if (/^[\w.~+/=-]+$/.test(given) && given.length >= shortestToken) return given;
  throw new OrchestratorError(
    'bad-input',
    `A token has at least ${shortestToken} characters, of letters, digits and -._~+/= only.`,
    { remedy: 'Leave it out to get a random one.' },
  );
}

function originOf(text: string): string {
  const origin = loopbackOrigin(text);
  if (origin !== null) return origin;
  throw new OrchestratorError('bad-input', `"${text.slice(0, 100)}" is no origin of this machine.`, {
    remedy: 'Give scheme, host and port, as in http://localhost:5173. Pages from elsewhere have no access.',
  });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new OrchestratorError(
          'environment',
          `Port ${port} cannot be used (${error.code ?? error.message}).`,
          {
            remedy: 'Choose another one, or none for a free one.',
            cause: error,
          },
        ),
      );
    });
    server.listen({ port, host: loopback, backlog: 511 }, resolve);
  });
}
