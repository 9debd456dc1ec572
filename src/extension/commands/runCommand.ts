import * as vscode from 'vscode';
import type { CommandId } from '../contributions/ids.ts';
import { selectionArgument } from '../views/treeSelection.ts';
import type { CommandBody, CommandContext } from './context.ts';

/** Registers a command: every one is logged, and its error told once, here. */
export function registerCommand(
  context: CommandContext,
  id: CommandId,
  body: CommandBody,
): vscode.Disposable {
  return vscode.commands.registerCommand(id, (arg?: unknown, selected?: unknown) => {
    const rows = arg === selectionArgument ? context.selection.rows() : null;
    return runCommand(context, id, () => (rows === null ? body(arg, selected) : body(rows[0], rows)));
  });
}

async function runCommand(
  { log, messages }: Pick<CommandContext, 'log' | 'messages'>,
  id: CommandId,
  body: () => Promise<void>,
): Promise<void> {
  log.debug('command', { id });
  try {
    await body();
  } catch (error) {
    if (!(error instanceof vscode.CancellationError))
      log.error('command.failed', {
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    messages.error(error);
  }
}
