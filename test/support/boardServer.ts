import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { WebSocketServer } from 'ws';
import type { TaskFeed } from '../../src/engine/inspection/taskFeed.ts';
import type { BoardAccess } from '../../src/engine/protocol/board.ts';
import { boardFile, boardPage, type PageAnswer } from '../../src/engine/server/board/boardPage.ts';
import { acceptBoardSocket } from '../../src/engine/server/board/boardSocket.ts';

const built = resolve(import.meta.dirname, '../../dist/webview');
const tokens: Readonly<Record<string, BoardAccess>> = { 'move-token': 'move', 'read-token': 'read' };

/** As much of the server as the board needs, on a port of its own: the page, tickets, and the WebSocket. */
export class BoardServer {
  /** Defects that the hosts reported. */
  readonly reported: unknown[] = [];
  /** How many connections there were. */
  connections = 0;
  /** Answers every request for a ticket with this, if not null. */
  refusal: number | null = null;
  private readonly feed: TaskFeed;
  private readonly http: Server;
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  private issued = 0;
  private readonly tickets = new Map<string, BoardAccess>();

  private constructor(feed: TaskFeed, beatMs: number | undefined) {
    this.feed = feed;
    this.http = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname === '/') answer(response, boardPage('bm9uY2U='));
      else if (pathname === '/api/tickets') this.giveTicket(request.headers.authorization, response);
      else
        boardFile(built, pathname.replace(/^\/board\//, '')).then(
          (file) => answer(response, file),
          () => answer(response, null),
        );
    });
    this.http.on('upgrade', (request, socket, head) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const ticket = searchParams.get('ticket') ?? '';
      const access = this.tickets.get(ticket);
      this.tickets.delete(ticket);
      if (access === undefined) {
        socket.destroy();
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (accepted) => {
        this.connections += 1;
        acceptBoardSocket({
          socket: accepted,
          access,
          feed: this.feed,
          secrets: ['sk-secret-value'],
          report: (error) => this.reported.push(error),
          ...(beatMs === undefined ? {} : { beatMs }),
        });
      });
    });
  }

  static async open(feed: TaskFeed, beatMs?: number): Promise<BoardServer> {
    const server = new BoardServer(feed, beatMs);
    await new Promise<void>((listening) => server.http.listen(0, '127.0.0.1', listening));
    return server;
  }

  address(token: keyof typeof tokens | null = 'move-token'): string {
    const { port } = this.http.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${token === null ? '' : `#token=${token}`}`;
  }

  /** With a ticket of its own, for a client that is no page. */
  socketAddress(): string {
    const { host } = new URL(this.address(null));
    return `ws://${host}/api/board/ws?ticket=${this.issue('move')}`;
  }

  /** Without a goodbye, as a network does it. */
  cut(): void {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    this.http.closeAllConnections();
    await new Promise((closed) => this.http.close(closed));
  }

  private giveTicket(authorization: string | undefined, response: ServerResponse): void {
    const access = tokens[authorization?.replace(/^Bearer /, '') ?? ''];
    if (this.refusal !== null || access === undefined) {
      response.writeHead(this.refusal ?? 401).end();
      return;
    }
    const ticket = this.issue(access);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ticket }));
  }

  private issue(access: BoardAccess): string {
    this.issued += 1;
    const ticket = `ticket-${this.issued}`;
    this.tickets.set(ticket, access);
    return ticket;
  }
}

function answer(response: ServerResponse, found: PageAnswer | null): void {
  if (found === null) response.writeHead(404).end();
  else response.writeHead(200, { ...found.headers }).end(found.body);
}
