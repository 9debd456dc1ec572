import * as vscode from 'vscode';
import { viewIds } from '../contributions/ids.ts';
import type { SessionState } from '../session.ts';
import { accessibleSummary, degradedMessage, statusBarText } from './summary.ts';
import type { TaskCounts } from '../../engine/inspection/groupedTasks.ts';

/** One item: running of two, queued, needs you. Hidden where there is nothing to run. */
export class StatusBar {
  private readonly item = vscode.window.createStatusBarItem(
    'orchestrator.summary',
    vscode.StatusBarAlignment.Left,
    // Beside git's branch, before what language servers show.
    50,
  );

  constructor() {
    this.item.name = vscode.l10n.t('Orchestrator');
    // Every view has this command from VS Code itself.
    this.item.command = `${viewIds.tasks}.focus`;
  }

  /** `atMost`: how many tasks may run at once. */
  show(state: SessionState, counts: TaskCounts, atMost: number): void {
    if (state.type === 'unavailable') {
      this.item.hide();
      return;
    }
    const failure = state.type === 'failed' ? degradedMessage(state, []) : undefined;
    this.item.text = failure === undefined ? statusBarText(counts, atMost) : '$(error) Orchestrator';
    const words = `${vscode.l10n.t('Orchestrator')}: ${failure ?? accessibleSummary(counts, atMost)}`;
    this.item.tooltip = words;
    this.item.accessibilityInformation = { label: words };
    this.item.backgroundColor =
      failure === undefined ? undefined : new vscode.ThemeColor('statusBarItem.errorBackground');
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}
