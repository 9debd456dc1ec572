import type { Duplex } from 'node:stream';
import type { ContainerInput } from './containerEngine.ts';

/** From the last byte to a container's input until the engine has closed the connection: less than one. */
const lingerMs = 5_000;

/** The input of a container over the connection of an `attach`. */
export class AttachedInput implements ContainerInput {
  private readonly socket: Duplex;

  constructor(socket: Duplex) {
    this.socket = socket;
    // The engine closes its side once it has passed the text on, and says nothing else; unread, its end would not be seen.
    socket.resume();
    // Whoever writes is told of a failure; after that it is none.
    socket.on('error', () => {});
  }

  end(text: string): Promise<void> {
    // An engine keeps the connection to a container that has stopped, and this process with it.
    const lingering = setTimeout(() => this.close(), lingerMs).unref();
    this.socket.once('close', () => clearTimeout(lingering));
    return new Promise((resolve, reject) => {
      this.socket.end(text, (error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    this.socket.destroy();
  }
}
