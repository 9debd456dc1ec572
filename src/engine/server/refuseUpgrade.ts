import type { Duplex } from 'node:stream';
import { type Problem, problemBody } from './problem.ts';

/** How long a client may take with the answer. */
const graceMs = 1_000;

/**
 * Answers an upgrade with a problem and lets the connection go. The HTTP server has handed it over: none of its time-outs
 * applies, it does not end with the server, and its place stays taken for as long as a client leaves it open.
 */
export function refuseUpgrade(socket: Duplex, problem: Problem, retryAfterSeconds: number | null): void {
  const body = JSON.stringify(problemBody(problem));
  const head = [
    `HTTP/1.1 ${problem.status} Refused`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(retryAfterSeconds === null ? [] : [`Retry-After: ${retryAfterSeconds}`]),
    'Connection: close',
  ];
  // It may stand behind answers to earlier requests that the client does not read.
  const cut = setTimeout(() => socket.destroy(), graceMs);
  socket.once('close', () => clearTimeout(cut));
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
