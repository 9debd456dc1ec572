import { EventEmitter, type Uri } from './fakeVscode.ts';

/** A webview panel of VS Code with its page: what the host posts, and what the page sends. */
export class FakePanel {
  readonly posted: unknown[] = [];
  title = 'Panel';
  visible = true;
  iconPath: unknown;
  private readonly received = new EventEmitter<unknown>();
  private readonly viewStates = new EventEmitter<unknown>();
  private readonly disposals = new EventEmitter<undefined>();
  readonly onDidChangeViewState = this.viewStates.event;
  readonly onDidDispose = this.disposals.event;
  readonly webview = {
    options: {},
    html: '',
    cspSource: 'vscode-webview:',
    asWebviewUri: (uri: Uri) => uri,
    postMessage: (message: unknown) => {
      this.posted.push(message);
      return Promise.resolve(true);
    },
    onDidReceiveMessage: this.received.event,
  };

  /** From the page to the host. */
  send(message: unknown): void {
    this.received.fire(message);
  }

  dispose(): void {
    this.disposals.fire(undefined);
  }
}
