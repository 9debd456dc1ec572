import type { RawData, WebSocket } from 'ws';
import { readers } from '../../inspection/readers.ts';
import type { TaskFeed } from '../../inspection/taskFeed.ts';
import type { BoardAccess, BoardHostMessage } from '../../protocol/board.ts';
import { Mask } from '../mask.ts';
import { BoardHost } from './boardHost.ts';

/** Proxies and phones drop what is silent for a minute; the page calls a connection stale that misses two of these. */
const defaultBeatMs = 15_000;
/** A page that does not read is let go; it comes back by itself and gets a snapshot. */
const mostBufferedBytes = 16 * 1024 * 1024;
/** A note of 20,000 characters, each as six of JSON, and some. */
const longestMessage = 256 * 1024;

const policyViolation = 1008;

/** A board over a WebSocket that was accepted and whose access was checked. Ends with the socket. */
export function acceptBoardSocket(options: {
  readonly socket: WebSocket;
  readonly access: BoardAccess;
  readonly feed: TaskFeed;
  /** Values that must not leave this machine. */
  readonly secrets: readonly string[];
  /** Hears of defects. */
  readonly report: (error: unknown) => void;
  readonly beatMs?: number;
}): void {
  const { socket, access, feed, secrets, report, beatMs = defaultBeatMs } = options;
  const mask = new Mask(secrets);
  const post = (message: BoardHostMessage): Promise<void> =>
    new Promise((resolve) => {
      if (socket.bufferedAmount > mostBufferedBytes) socket.terminate();
      if (socket.readyState === socket.OPEN) {
        const text = Buffer.from(JSON.stringify(message));
        socket.send(mask.apply(text), { binary: false }, () => resolve());
      } else resolve();
    });
  const host = new BoardHost({
    feed,
    access,
    readers: () => readers,
    post,
    // The page opens a link; a diff needs an editor.
    extras: ['open-app'],
    onExtra: () => undefined,
    onOpenFile: () => undefined,
    report,
  });
  let isAlive = true;
  const beat = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
    void post({ type: 'beat' });
  }, beatMs);
  beat.unref();
  socket.on('pong', () => {
    isAlive = true;
  });
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? undefined : jsonOf(data);
    if (message === undefined || !host.receive(message))
      socket.close(policyViolation, 'That is no message of the board.');
  });
  // `close` follows, and a page that went away is no defect.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(beat);
    host.dispose();
  });
}

/** undefined for what is no JSON, or too long. */
function jsonOf(data: RawData): unknown {
  const bytes =
    data instanceof ArrayBuffer ? Buffer.from(data) : Array.isArray(data) ? Buffer.concat(data) : data;
  if (bytes.length > longestMessage) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
