import { onTestFinished } from 'vitest';
import { type RawData, WebSocket } from 'ws';

/** A WebSocket that comes back at once, at a new address, whenever it is cut. What a listener throws fails the test. */
export class ReturningSocket {
  /** Times that it was opened. */
  opened = 0;
  private readonly address: () => Promise<string>;
  private readonly on: {
    readonly onOpen: (socket: WebSocket) => void;
    readonly onMessage: (data: unknown) => void;
  };
  private socket: WebSocket | null = null;
  private isOver = false;

  constructor(address: () => Promise<string>, on: ReturningSocket['on']) {
    this.address = address;
    this.on = on;
    onTestFinished(() => this.close());
    void this.connect();
  }

  close(): void {
    this.isOver = true;
    this.socket?.terminate();
  }

  private async connect(): Promise<void> {
    const socket = new WebSocket(await this.address());
    if (this.isOver) socket.terminate();
    this.socket = socket;
    socket.on('open', () => {
      this.opened += 1;
      this.on.onOpen(socket);
    });
    socket.on('message', (data: RawData) => this.on.onMessage(JSON.parse((data as Buffer).toString())));
    // `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!this.isOver) void this.connect();
    });
  }
}
