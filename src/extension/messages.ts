import * as vscode from 'vscode';
import type { Task } from '../engine/domain/task.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import { reasonOf } from '../engine/protocol/wire.ts';
import { commandIds } from './contributions/ids.ts';

/** A button of a toast, and the command behind it. */
interface Action {
  readonly label: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

/** Beyond this many open toasts one more says nothing that the badge and the view do not say better. */
const mostToasts = 3;

/** What is said to the person in notifications: one for each thing to do, none twice at a time. */
export class Messages {
  private readonly shown = new Set<string>();

  info(text: string, ...actions: readonly Action[]): void {
    this.show('info', text, actions);
  }

  /** An error with its remedy and a way to the log. A cancelled dialogue is no error. */
  error(error: unknown): void {
    if (error instanceof vscode.CancellationError) return;
    const known = OrchestratorError.is(error) ? error : null;
    const message = error instanceof Error ? error.message : String(error);
    const text = known?.remedy === undefined ? message : `${message} ${known.remedy}`;
    this.show('error', text, [...remediesOf(known), showLog()]);
  }

  /** A task needs the person: said once until it was answered. */
  needed(task: Task): void {
    const [text, ...actions] = needOf(task);
    if (text !== undefined) this.show('warning', text, actions, `${task.id} ${task.phase.type}`);
  }

  private show(
    severity: 'info' | 'warning' | 'error',
    text: string,
    actions: readonly Action[],
    /** The same is not said twice at a time. */
    key: string = text,
  ): void {
    if (this.shown.has(key)) return;
    if (severity === 'warning' && this.shown.size >= mostToasts) return;
    this.shown.add(key);
    const labels = actions.map(({ label }) => label);
    const show: (text: string, ...labels: string[]) => Thenable<string | undefined> = {
      info: vscode.window.showInformationMessage,
      warning: vscode.window.showWarningMessage,
      error: vscode.window.showErrorMessage,
    }[severity];
    void Promise.resolve(show(text, ...labels)).then(
      async (picked) => {
        this.shown.delete(key);
        const action = actions.find(({ label }) => label === picked);
        if (action !== undefined)
          await vscode.commands.executeCommand(action.command, ...(action.args ?? []));
      },
      () => this.shown.delete(key),
    );
  }
}

function showLog(): Action {
  return { label: vscode.l10n.t('Show Log'), command: commandIds.showLog };
}

function remediesOf(error: OrchestratorError | null): readonly Action[] {
  switch (error?.code) {
    case 'authentication':
      return [{ label: vscode.l10n.t('Sign In'), command: commandIds.signIn }];
    case 'environment':
    case 'cli-unusable':
      return [{ label: vscode.l10n.t('Check Set-up'), command: commandIds.checkSetup }];
    default:
      return [];
  }
}

function needOf(task: Task): readonly [string, ...Action[]] | readonly [] {
  const { phase, title, id } = task;
  const action = (label: string, command: string): Action => ({ label, command, args: [id] });
  const inspect = action(vscode.l10n.t('Open Inspector'), commandIds.openInspector);
  switch (phase.type) {
    case 'gate':
      return [
        vscode.l10n.t('The specification of "{0}" waits for your approval.', title),
        action(vscode.l10n.t('Open Specification'), commandIds.openSpecification),
        action(vscode.l10n.t('Approve'), commandIds.approve),
        action(vscode.l10n.t('Send Back'), commandIds.sendBack),
      ];
    case 'attention': {
      const signIn = phase.failure.code === 'authentication';
      return [
        vscode.l10n.t('"{0}" needs you: {1}', title, reasonOf(task) ?? ''),
        ...(signIn ? [{ label: vscode.l10n.t('Sign In'), command: commandIds.signIn }] : []),
        action(vscode.l10n.t('Retry'), commandIds.retry),
        inspect,
        showLog(),
      ];
    }
    case 'completed':
      return [
        vscode.l10n.t('"{0}" is completed and waits for your review.', title),
        action(vscode.l10n.t('Show Changes'), commandIds.showChanges),
        action(vscode.l10n.t('Accept and Merge'), commandIds.accept),
        inspect,
      ];
    default:
      return [];
  }
}
