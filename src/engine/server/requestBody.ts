import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import { Problem } from './problem.ts';
import type { ServerEnv } from './serverContext.ts';

/**
 * Reads the body, as far as it may go. Where Node's `Request` must stay what it is (an editor's process is everyone's),
 * hono's own limit cannot make a new request of a body that it has counted; Node's adapter takes one that was read.
 */
export function readBody(longest: number): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const { incoming, outgoing } = c.env;
    if (!['GET', 'HEAD'].includes(c.req.method)) {
      const rawBody = await bodyOf(incoming, longest).catch((error: unknown) => {
        // What is still to come is not taken, only to be thrown away.
        outgoing.once('finish', () => incoming.destroy());
        throw error;
      });
      Object.assign(incoming, { rawBody });
    }
    await next();
  };
}

async function bodyOf(incoming: IncomingMessage, longest: number): Promise<Buffer> {
  const tooLarge = (): Problem => new Problem(413, 'too-large', `A body has at most ${longest} bytes.`);
  if (Number(incoming.headers['content-length'] ?? 0) > longest) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > longest) {
        incoming.removeAllListeners('data');
        incoming.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    incoming.once('end', () => resolve(Buffer.concat(chunks)));
    // Nobody hears the answer; what waits for the body must end all the same.
    incoming.once('close', () => reject(new Problem(400, 'bad-request', 'The body ended too early.')));
  });
}
