import * as vscode from 'vscode';
import { BoardHost } from '../../engine/server/board/boardHost.ts';
import { commandIds, panelTypes } from '../contributions/ids.ts';
import { saveEditedSpecification } from '../review/saveEdited.ts';
import type { Session } from '../session.ts';
import { loadReaders } from './loadReaders.ts';
import { openLocation } from './openLocation.ts';
import { loadPage, pageOptions } from './webviewPage.ts';

/** The board of the folder's tasks, the same page that the local server serves; one of it. */
export class BoardPanel implements vscode.WebviewPanelSerializer {
  private readonly context: vscode.ExtensionContext;
  private readonly session: Session;
  private readonly report: (error: unknown) => void;
  private open: { readonly panel: vscode.WebviewPanel; readonly host: BoardHost } | null = null;

  constructor(context: vscode.ExtensionContext, session: Session, report: (error: unknown) => void) {
    this.context = context;
    this.session = session;
    this.report = report;
  }

  show(): void {
    if (this.open !== null) {
      this.open.panel.reveal();
      return;
    }
    this.attach(
      vscode.window.createWebviewPanel(
        panelTypes.board,
        vscode.l10n.t('Board'),
        vscode.ViewColumn.Active,
        pageOptions(this.context),
      ),
    );
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    if (this.open === null) this.attach(panel);
    else panel.dispose();
    return Promise.resolve();
  }

  dispose(): void {
    this.open?.host.dispose();
  }

  private attach(panel: vscode.WebviewPanel): void {
    const { webview } = panel;
    const commandOf = { 'show-changes': commandIds.showChanges, 'open-app': commandIds.openApp };
    const host = new BoardHost({
      feed: this.session,
      access: 'move',
      beforeMove: (move) => saveEditedSpecification(this.session, move),
      readers: loadReaders,
      post: (message) => webview.postMessage(message),
      extras: ['show-changes', 'open-app'],
      onExtra: (extra, taskId) =>
        void vscode.commands.executeCommand(commandOf[extra], taskId).then(undefined, this.report),
      onOpenFile: (worktreePath, file, line) =>
        void openLocation(worktreePath, file, line).catch(this.report),
      report: this.report,
    });
    this.open = { panel, host };
    webview.onDidReceiveMessage((message: unknown) => void host.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) host.pageLeft();
    });
    panel.onDidDispose(() => {
      this.open = null;
      host.dispose();
    });
    loadPage(panel, this.context, { name: 'board' });
  }
}
