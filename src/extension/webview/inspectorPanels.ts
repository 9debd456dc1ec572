import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import {
  parseSavedState,
  type InspectorAction,
  type InspectorPage,
} from '../../engine/protocol/inspector.ts';
import { commandIds, panelTypes, type CommandId } from '../contributions/ids.ts';
import type { Session } from '../session.ts';
import { InspectorHost } from '../../engine/inspection/inspectorHost.ts';
import { taskLabel } from '../views/taskLabels.ts';
import { loadReaders } from './loadReaders.ts';
import { openLocation } from './openLocation.ts';
import { loadPage, pageOptions } from './webviewPage.ts';

const commandOf: Readonly<Record<InspectorAction, CommandId>> = {
  approve: commandIds.approve,
  edit: commandIds.editSpecification,
  'send-back': commandIds.sendBack,
  answer: commandIds.answerQuestions,
  retry: commandIds.retry,
  advance: commandIds.advance,
  pause: commandIds.pause,
  resume: commandIds.resume,
  cancel: commandIds.cancel,
  'show-changes': commandIds.showChanges,
  'open-app': commandIds.openApp,
  accept: commandIds.accept,
};

/** The open inspectors, one for each task. */
export class InspectorPanels implements vscode.WebviewPanelSerializer {
  private readonly context: vscode.ExtensionContext;
  private readonly session: Session;
  private readonly report: (error: unknown) => void;
  private readonly open = new Map<
    TaskId,
    { readonly panel: vscode.WebviewPanel; readonly host: InspectorHost }
  >();

  /** `report`: hears of defects; what a person can mend is told in the page. */
  constructor(context: vscode.ExtensionContext, session: Session, report: (error: unknown) => void) {
    this.context = context;
    this.session = session;
    this.report = report;
  }

  show(taskId: TaskId, page: InspectorPage | undefined): void {
    const known = this.open.get(taskId);
    if (known === undefined) {
      const title = this.session.tasks.get(taskId)?.title ?? vscode.l10n.t('Task');
      const panel = vscode.window.createWebviewPanel(
        panelTypes.inspector,
        taskLabel({ title }),
        vscode.ViewColumn.Active,
        pageOptions(this.context),
      );
      this.attach(panel, taskId, page);
      return;
    }
    known.panel.reveal();
    if (page !== undefined) known.host.show(page);
  }

  /** After a reload: the state is what the page saved of where it was. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const saved = parseSavedState(state);
    // Two panels of one task, or one of an older version, cannot be told apart from a new start.
    if (saved === null || this.open.has(saved.taskId)) panel.dispose();
    else this.attach(panel, saved.taskId, undefined);
    return Promise.resolve();
  }

  /** The panels stay: VS Code restores after a reload what was not closed. */
  dispose(): void {
    for (const { host } of this.open.values()) host.dispose();
  }

  private attach(panel: vscode.WebviewPanel, taskId: TaskId, page: InspectorPage | undefined): void {
    const { webview } = panel;
    const host = new InspectorHost({
      taskId,
      session: this.session,
      readers: loadReaders,
      post: (message) => webview.postMessage(message),
      act: (action) =>
        void vscode.commands.executeCommand(commandOf[action], taskId).then(undefined, this.report),
      open: (worktreePath, file, line) => void openLocation(worktreePath, file, line).catch(this.report),
      onTitle: (title) => {
        const label = taskLabel({ title });
        if (panel.title !== label) panel.title = label;
      },
      report: this.report,
    });
    this.open.set(taskId, { panel, host });
    if (page !== undefined) host.show(page);
    webview.onDidReceiveMessage((message: unknown) => host.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) host.pageLeft();
    });
    panel.onDidDispose(() => {
      this.open.delete(taskId);
      host.dispose();
    });
    loadPage(panel, this.context, { name: 'inspector', taskId });
  }
}
