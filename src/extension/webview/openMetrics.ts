import type * as vscode from 'vscode';
import type { Session } from '../session.ts';
import { webviewsOf } from './registerWebviews.ts';

/** Shows the page of the five success measures. */
export function openMetrics(_context: vscode.ExtensionContext, session: Session): void {
  webviewsOf(session).metrics.show();
}
