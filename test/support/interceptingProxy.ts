import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A proxy between two Unix sockets that tells of each piece a client sends, before it passes it on. */
export class InterceptingProxy {
  readonly path: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(path: string, target: string, onRequest: (text: string) => void) {
    this.path = path;
    this.server = createServer((client) => {
      const upstream = connect(target);
      client.on('data', (chunk: Buffer) => {
        onRequest(chunk.toString('latin1'));
        upstream.write(chunk);
      });
      upstream.pipe(client);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async open(
    path: string,
    target: string,
    onRequest: (text: string) => void,
  ): Promise<InterceptingProxy> {
    const proxy = new InterceptingProxy(path, target, onRequest);
    await new Promise<void>((resolve) => proxy.server.listen(path, resolve));
    onTestFinished(async () => {
      for (const socket of proxy.sockets) socket.destroy();
      await new Promise((resolve) => proxy.server.close(resolve));
    });
    return proxy;
  }
}
