import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy that breaks each connection after so many bytes of what comes back, wherever that is. */
export class CuttingProxy {
  cuts = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly target: number;
  private readonly cutAfter: () => number | null;

  private constructor(target: number, cutAfter: () => number | null) {
    this.target = target;
    this.cutAfter = cutAfter;
    this.server = createServer((client) => this.pass(client));
  }

  /** `cutAfter` is asked for each connection; null = this one is left whole. */
  static async open(target: number, cutAfter: () => number | null): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, cutAfter);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of proxy.sockets) socket.destroy();
      await new Promise((resolve) => proxy.server.close(resolve));
    });
    return proxy;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return address.port;
  }

  /** Breaks every connection that stands. */
  cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private pass(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    let left = this.cutAfter();
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.sockets.delete(socket);
        end();
      });
    }
    client.on('data', (chunk: Buffer) => {
      // The server knows its own port only.
      upstream.write(
        chunk.toString('latin1').replace(`127.0.0.1:${this.port}`, `127.0.0.1:${this.target}`),
        'latin1',
      );
    });
    upstream.on('data', (chunk: Buffer) => {
      if (left === null || chunk.length < left) {
        if (left !== null) left -= chunk.length;
        client.write(chunk);
        return;
      }
      this.cuts += 1;
      upstream.destroy();
      client.write(chunk.subarray(0, left), () => client.resetAndDestroy());
    });
  }
}
