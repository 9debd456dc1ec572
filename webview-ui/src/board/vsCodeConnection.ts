import type { BoardPageMessage } from '../../../src/engine/protocol/board.ts';
import { vsCodeApi, type VsCodeApi } from '../vscodeApi.ts';
import type { Connection, ConnectionListener } from './connection.ts';

/** The extension is the host: it lives as long as the page does. */
export class VsCodeConnection implements Connection {
  readonly isBrowser = false;
  private readonly api: VsCodeApi = vsCodeApi();

  get kept(): unknown {
    return this.api.getState();
  }

  start(listener: ConnectionListener): void {
    window.addEventListener('message', ({ data }: MessageEvent<unknown>) => listener.onMessage(data));
    listener.onState({ type: 'open' });
  }

  post(message: BoardPageMessage): void {
    this.api.postMessage(message);
  }

  retry(): void {}

  useToken(): void {}

  keep(place: unknown): void {
    this.api.setState(place);
  }
}
