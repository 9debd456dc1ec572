import { parseTicket, type BoardPageMessage } from '../../../src/engine/protocol/board.ts';
import type { Connection, ConnectionListener, ConnectionState } from './connection.ts';

const tokenKey = 'orchestrator.token';
const placeKey = 'orchestrator.board';

const firstRetryMs = 500;
const longestRetryMs = 15_000;
/** The host speaks every 15 s: after two beats missed, a connection that still looks open is not. */
const silenceMs = 40_000;
const ticketMs = 10_000;

/** The server that the page came from is the host. Comes back by itself, at ever longer intervals. */
export class SocketConnection implements Connection {
  readonly isBrowser = true;
  private listener: ConnectionListener | null = null;
  private socket: WebSocket | null = null;
  private token: string | null = null;
  private tries = 0;
  private lostSince: number | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  get kept(): unknown {
    return parsed(sessionStorage.getItem(placeKey) ?? 'null');
  }

  start(listener: ConnectionListener): void {
    this.listener = listener;
    this.takeToken();
    this.token = sessionStorage.getItem(tokenKey);
    // A second address with another token, opened in this very tab.
    window.addEventListener('hashchange', () => {
      if (this.takeToken()) this.useToken(sessionStorage.getItem(tokenKey) ?? '');
    });
    window.addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    });
    this.connect();
  }

  post(message: BoardPageMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  retry(): void {
    if (this.lostSince !== null && this.retryTimer !== undefined) this.connect();
  }

  useToken(token: string): void {
    this.token = token;
    sessionStorage.setItem(tokenKey, token);
    this.tries = 0;
    this.connect();
  }

  keep(place: unknown): void {
    sessionStorage.setItem(placeKey, JSON.stringify(place));
  }

  /** From the address to where only this tab sees it: an address is kept in histories and shown to others. */
  private takeToken(): boolean {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (token === null || token === '') return false;
    sessionStorage.setItem(tokenKey, token);
    history.replaceState(null, '', location.pathname + location.search);
    return true;
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.drop();
    const { token } = this;
    if (token === null) {
      this.tell({
        type: 'token-needed',
        why: 'This page needs the token that was shown when the server was started.',
      });
      return;
    }
    if (this.lostSince === null) this.tell({ type: 'connecting' });
    this.open(token).catch(() => this.lose());
  }

  private async open(token: string): Promise<void> {
    const answer = await fetch('/api/tickets', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ticketMs),
    });
    if (token !== this.token) return;
    if (answer.status === 401 || answer.status === 403) {
      this.token = null;
      this.lostSince = null;
      sessionStorage.removeItem(tokenKey);
      this.tell({
        type: 'token-needed',
        why: 'The server does not know this token: it gets a new one each time it is started.',
      });
      return;
    }
    const ticket = answer.ok ? parseTicket(await answer.json()) : null;
    if (ticket === null) throw new Error(`no ticket: ${answer.status}`);
    if (token !== this.token) return;
    const address = new URL('/api/board/ws', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    address.hash = '';
    address.searchParams.set('ticket', ticket);
    this.listen(new WebSocket(address));
  }

  private listen(socket: WebSocket): void {
    this.drop();
    this.socket = socket;
    socket.addEventListener('open', () => {
      this.lostSince = null;
      this.tell({ type: 'open' });
      this.hear();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (this.socket !== socket || typeof data !== 'string') return;
      this.tries = 0;
      this.hear();
      this.listener?.onMessage(parsed(data));
    });
    socket.addEventListener('close', () => {
      if (this.socket === socket) this.lose();
    });
  }

  private hear(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.lose(), silenceMs);
  }

  private lose(): void {
    this.drop();
    // At once it would only be refused again; and not all pages at the same moment.
    const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries += 1;
    this.lostSince ??= Date.now();
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.connect(), wait);
    this.tell({ type: 'lost', since: this.lostSince, retryAt: Date.now() + wait });
  }

  private drop(): void {
    clearTimeout(this.silenceTimer);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  private tell(state: ConnectionState): void {
    this.listener?.onState(state);
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
