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

/** Tasks, and the phase in which each needs the person. */
type Needs = Map<TaskId, Task['phase']['type']>;

/**
 * What is said to the person in notifications: one for each thing to do. A toast fades without a word and may never be
 * closed, so what was told of a task counts for as long as the task needs just that.
 */
export class Messages {
  /** What each open toast says of tasks, less what is over. */
  private readonly told = new Set<Needs>();
  /** Tasks that need the person and were not told of. */
  private readonly held: Needs = new Map();

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

  /** The engine moved it: where it needs the person now, that is said once until it was answered. */
  needed(task: Task): void {
    this.forgetOtherNeeds(task);
    const [text, ...actions] = needOf(task);
    const { id, phase } = task;
    if (text !== undefined && ![...this.told].some((needs) => needs.has(id))) {
      if (this.told.size < mostToasts) this.tell(text, actions, new Map([[id, phase.type]]));
      else this.held.set(id, phase.type);
    }
    this.tellHeld();
  }

  /** The person moved it themselves: there is nothing to tell them. */
  answered(task: Task): void {
    this.forgetOtherNeeds(task);
    this.tellHeld();
  }

  private forgetOtherNeeds({ id, phase }: Task): void {
    for (const needs of [this.held, ...this.told]) {
      if (needs.get(id) !== phase.type) needs.delete(id);
      if (needs.size === 0) this.told.delete(needs);
    }
  }

  private tellHeld(): void {
    const needs = new Map(this.held);
    if (needs.size === 0 || this.told.size >= mostToasts) return;
    this.held.clear();
    const text =
      needs.size === 1
        ? vscode.l10n.t('One more task needs you.')
        : vscode.l10n.t('{0} more tasks need you.', needs.size);
    // Every view has this command from VS Code itself.
    this.tell(text, [{ label: vscode.l10n.t('Show Tasks'), command: `${viewIds.tasks}.focus` }], needs);
  }

  private tell(text: string, actions: readonly Action[], needs: Needs): void {
    this.told.add(needs);
    this.show('warning', text, actions, () => {
      this.told.delete(needs);
      this.tellHeld();
    });
  }

  /** VS Code itself closes an earlier one that says the same. */
  private show(
    severity: Severity,
    text: string,
    actions: readonly Action[],
    onClosed: () => void = () => {},
  ): void {
    const labels = actions.map(({ label }) => label);
    const show: (text: string, ...labels: string[]) => Thenable<string | undefined> = {
      info: vscode.window.showInformationMessage,
      warning: vscode.window.showWarningMessage,
      error: vscode.window.showErrorMessage,
    }[severity];
    // Titles, an agent's words and paths are in it, and VS Code makes links of what it finds in a message.
    void Promise.resolve(show(plainLine(text, longestMessage), ...labels)).then(async (picked) => {
      onClosed();
      const action = actions.find(({ label }) => label === picked);
      if (action !== undefined) await vscode.commands.executeCommand(action.command, ...(action.args ?? []));
    }, onClosed);
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
