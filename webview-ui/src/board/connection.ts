import type { BoardPageMessage } from '../../../src/engine/protocol/board.ts';

/** How the page stands with its host. */
export type ConnectionState =
  | { readonly type: 'connecting' }
  | { readonly type: 'open' }
  /** What is shown may be out of date; it tries again by itself. */
  | { readonly type: 'lost'; readonly since: number; readonly retryAt: number }
  /** Only a person can help. */
  | { readonly type: 'token-needed'; readonly why: string };

export interface ConnectionListener {
  /** A message as it came, unparsed. */
  onMessage(message: unknown): void;
  onState(state: ConnectionState): void;
}

/** The page's way to its host, whatever carries it. */
export interface Connection {
  readonly isBrowser: boolean;
  start(listener: ConnectionListener): void;
  /** While there is no connection, nothing is sent: what matters is sent anew when there is one. */
  post(message: BoardPageMessage): void;
  /** Does not wait for the next try. */
  retry(): void;
  /** Goes on with another token. */
  useToken(token: string): void;
  /** What the page kept over a reload: where it is and what is being written there, and no data. */
  readonly kept: unknown;
  keep(place: unknown): void;
}
