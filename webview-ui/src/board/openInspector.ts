import { parsePageMessage, type InspectorAction } from '../../../src/engine/protocol/inspector.ts';
import { InspectorApp } from '../inspectorApp.ts';
import type { CardId } from './boardState.ts';
import type { Connection } from './connection.ts';

interface OpenInspectorOptions {
  /** Where it draws. */
  readonly root: HTMLElement;
  readonly connection: Connection;
  readonly channel: number;
  readonly taskId: CardId;
  /** Where it was, as it was kept. */
  readonly place: unknown;
  readonly onPlace: () => void;
  readonly onAction: (action: InspectorAction, task: { readonly title: string }) => void;
}

/** The inspector of one task on a channel of the board's connection. It takes that for VS Code's. */
export class OpenInspector {
  private readonly options: OpenInspectorOptions;
  private readonly app: InspectorApp;
  private kept: unknown;
  private isStarted = false;

  constructor(options: OpenInspectorOptions) {
    this.options = options;
    this.kept = options.place;
    this.app = new InspectorApp(
      options.root,
      {
        postMessage: (message) => this.post(message),
        getState: () => this.kept,
        setState: (state) => {
          this.kept = state;
          options.onPlace();
        },
      },
      options.taskId,
      !options.connection.isBrowser,
    );
  }

  get place(): unknown {
    return this.kept;
  }

  /** There is a host, which knows nothing of this inspector. */
  connect(): void {
    const { connection, channel, taskId } = this.options;
    connection.post({ type: 'open', channel, taskId });
    if (this.isStarted) this.app.reconnect();
    else this.app.start();
    this.isStarted = true;
  }

  receive(channel: number, message: unknown): void {
    if (channel === this.options.channel) this.app.channel.receive(message);
  }

  close(): void {
    const { connection, channel } = this.options;
    this.app.stop();
    connection.post({ type: 'close', channel });
  }

  /** Moves need words that the board asks for; everything else is the host's. */
  private post(message: unknown): void {
    const { connection, channel, onAction } = this.options;
    const parsed = parsePageMessage(message);
    const { task } = this.app;
    if (parsed?.type !== 'act' || parsed.action === 'show-changes')
      connection.post({ type: 'inspector', channel, message });
    else if (parsed.action !== 'open-app') onAction(parsed.action, { title: task?.title ?? '' });
    else if (!connection.isBrowser) connection.post({ type: 'inspector', channel, message });
    else if (task !== null && task.port !== null)
      window.open(`http://${location.hostname}:${task.port}/`, '_blank', 'noopener,noreferrer');
  }
}
