import * as vscode from 'vscode';
import type { TaskId } from '../engine/domain/ids.ts';
import type { Task } from '../engine/domain/task.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import { reasonOf } from '../engine/protocol/wire.ts';
import { commandIds, viewIds } from './contributions/ids.ts';
import { longestMessage, plainLine } from './views/markdownText.ts';

/** A button of a toast, and the command behind it. */
interface Action {
  readonly label: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

/** VS Code shows no more than that at a time; who needs the person beyond that is told together, when one was answered. */
const mostToasts = 3;

type Severity = 'info' | 'warning' | 'error';

/** What is said to the person in notifications: one for each thing to do, none twice at a time. */
export class Messages {
  private readonly shown = new Map<string, Severity>();
  /** Tasks that need the person and were not told of. */
  private readonly held = new Set<TaskId>();

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
    this.held.delete(task.id);
    if (text === undefined) return;
    const key = `${task.id} ${task.phase.type}`;
    if (this.openNeeds() < mostToasts || this.shown.has(key)) this.show('warning', text, actions, key);
    else this.held.add(task.id);
  }

  /** The person moved it themselves: there is nothing to tell them. */
  answered(task: Task): void {
    this.held.delete(task.id);
  }

  private show(
    severity: Severity,
    text: string,
    actions: readonly Action[],
    /** The same is not said twice at a time. */
    key: string = text,
  ): void {
    if (this.shown.has(key)) return;
    this.shown.set(key, severity);
    const labels = actions.map(({ label }) => label);
    const show: (text: string, ...labels: string[]) => Thenable<string | undefined> = {
      info: vscode.window.showInformationMessage,
      warning: vscode.window.showWarningMessage,
      error: vscode.window.showErrorMessage,
    }[severity];
    // Titles, an agent's words and paths are in it, and VS Code makes links of what it finds in a message.
    void Promise.resolve(show(plainLine(text, longestMessage), ...labels)).then(
      async (picked) => {
        this.closed(key);
        const action = actions.find(({ label }) => label === picked);
        if (action !== undefined)
          await vscode.commands.executeCommand(action.command, ...(action.args ?? []));
      },
      () => this.closed(key),
    );
  }

  /** What was only said stays in VS Code's list until someone clears it, and must not keep a need back. */
  private openNeeds(): number {
    return [...this.shown.values()].filter((severity) => severity === 'warning').length;
  }

  private closed(key: string): void {
    this.shown.delete(key);
    const count = this.held.size;
    if (count === 0 || this.openNeeds() >= mostToasts) return;
    this.held.clear();
    const text =
      count === 1
        ? vscode.l10n.t('One more task needs you.')
        : vscode.l10n.t('{0} more tasks need you.', count);
    // Every view has this command from VS Code itself.
    this.show('warning', text, [{ label: vscode.l10n.t('Show Tasks'), command: `${viewIds.tasks}.focus` }]);
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
