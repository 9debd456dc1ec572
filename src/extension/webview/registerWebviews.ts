import * as vscode from 'vscode';
import type { Logger } from '../../engine/ports/logger.ts';
import { panelTypes } from '../contributions/ids.ts';
import type { Session } from '../session.ts';
import { BoardPanel } from './boardPanel.ts';
import { InspectorPanels } from './inspectorPanels.ts';
import { MetricsPanel } from './metricsPanel.ts';

interface Webviews {
  readonly inspectors: InspectorPanels;
  readonly metrics: MetricsPanel;
  readonly board: BoardPanel;
}

const registered = new WeakMap<Session, Webviews>();

/** Restores inspectors and the metrics page after a reload; disposing stops what they follow. */
export function registerWebviews(
  context: vscode.ExtensionContext,
  session: Session,
  logger: Logger,
): vscode.Disposable {
  const report = (error: unknown): void => {
    logger.error('webview.failed', {
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  };
  const inspectors = new InspectorPanels(context, session, report);
  const metrics = new MetricsPanel(context, session, report);
  const board = new BoardPanel(context, session, report);
  registered.set(session, { inspectors, metrics, board });
  return vscode.Disposable.from(
    vscode.window.registerWebviewPanelSerializer(panelTypes.inspector, inspectors),
    vscode.window.registerWebviewPanelSerializer(panelTypes.metrics, metrics),
    vscode.window.registerWebviewPanelSerializer(panelTypes.board, board),
    inspectors,
    board,
  );
}

/** The webviews of a session that `registerWebviews` was called with. */
export function webviewsOf(session: Session): Webviews {
  const webviews = registered.get(session);
  if (webviews === undefined) throw new Error('registerWebviews comes first');
  return webviews;
}
