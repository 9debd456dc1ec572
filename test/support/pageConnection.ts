import type { BoardPageMessage } from '../../src/engine/protocol/board.ts';
import type { Connection, ConnectionListener } from '../../webview-ui/src/board/connection.ts';

/** VS Code's side of the board's page: what it sent, and what it keeps while the page is unloaded. */
export class PageConnection implements Connection {
  readonly isBrowser = false;
  readonly sent: BoardPageMessage[] = [];
  kept: unknown;
  private listener: ConnectionListener | null = null;

  start(listener: ConnectionListener): void {
    this.listener = listener;
    listener.onState({ type: 'open' });
  }

  post(message: BoardPageMessage): void {
    this.sent.push(message);
  }

  /** From the host to the page. */
  receive(message: unknown): void {
    this.listener?.onMessage(message);
  }

  retry(): void {}

  useToken(): void {}

  keep(place: unknown): void {
    this.kept = JSON.parse(JSON.stringify(place));
  }
}
