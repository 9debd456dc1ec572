import * as vscode from 'vscode';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { parseMetricsPageMessage, type MetricsHostMessage } from '../../engine/protocol/inspectorMetrics.ts';
import { commandIds, panelTypes } from '../contributions/ids.ts';
import type { Session } from '../session.ts';
import { loadReaders } from './loadReaders.ts';
import { loadPage, pageOptions } from './webviewPage.ts';

/** Measuring reads every record: with tasks changing every second, this often is enough. */
const remeasureMs = 2_000;

/** The page of the success measures; one of it. */
export class MetricsPanel implements vscode.WebviewPanelSerializer {
  private readonly context: vscode.ExtensionContext;
  private readonly session: Session;
  private readonly report: (error: unknown) => void;
  private panel: vscode.WebviewPanel | null = null;

  constructor(context: vscode.ExtensionContext, session: Session, report: (error: unknown) => void) {
    this.context = context;
    this.session = session;
    this.report = report;
  }

  show(): void {
    if (this.panel !== null) {
      this.panel.reveal();
      return;
    }
    const title = vscode.l10n.t('Success Metrics');
    this.attach(
      vscode.window.createWebviewPanel(
        panelTypes.metrics,
        title,
        vscode.ViewColumn.Active,
        pageOptions(this.context),
      ),
    );
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    if (this.panel === null) this.attach(panel);
    else panel.dispose();
    return Promise.resolve();
  }

  private attach(panel: vscode.WebviewPanel): void {
    this.panel = panel;
    const { webview } = panel;
    let isReady = false;
    let timer: NodeJS.Timeout | undefined;
    const send = async (): Promise<void> => {
      const message = await this.measure();
      // Hidden or closed while the records were read.
      if (this.panel === panel && isReady) await webview.postMessage(message);
    };
    const later = (): void => {
      if (!isReady) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        if (isReady) send().catch(this.report);
      }, remeasureMs);
    };
    const subscriptions = [
      this.session.tasks.onDidChange(later),
      this.session.onDidChangeState(later),
      webview.onDidReceiveMessage((message: unknown) => {
        const parsed = parseMetricsPageMessage(message);
        if (parsed?.type === 'ready') {
          isReady = true;
          send().catch(this.report);
        } else if (parsed?.type === 'open-task') {
          void vscode.commands
            .executeCommand(commandIds.openInspector, parsed.taskId)
            .then(undefined, this.report);
        }
      }),
      panel.onDidChangeViewState(() => {
        if (!panel.visible) isReady = false;
      }),
    ];
    panel.onDidDispose(() => {
      this.panel = null;
      isReady = false;
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
    });
    loadPage(panel, this.context, { name: 'metrics' });
  }

  private async measure(): Promise<MetricsHostMessage> {
    try {
      const { records } = await this.session.engine();
      return { type: 'metrics', view: await loadReaders().measure(records, Date.now()) };
    } catch (error) {
      const known = OrchestratorError.is(error);
      if (!known) this.report(error);
      return {
        type: 'unavailable',
        message: error instanceof Error ? error.message : String(error),
        remedy: known ? (error.remedy ?? null) : null,
      };
    }
  }
}
