import { open } from 'node:fs/promises';
import * as vscode from 'vscode';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { wireEvent } from '../../engine/protocol/wire.ts';
import { viewIds } from '../contributions/ids.ts';
import type { CommandBody, CommandContext } from './context.ts';

/** Rows read at a time: bounded memory however long the history is. */
const pageSize = 1_000;

/** Checks the hash chain of the audit trail. */
export function verifyAudit({
  session,
  messages,
}: Pick<CommandContext, 'session' | 'messages'>): CommandBody {
  return async () => {
    const { records } = await session.engine();
    const { ok, rows, firstBadRow } = await vscode.window.withProgress(
      { location: { viewId: viewIds.tasks } },
      () => records.verifyAudit(),
    );
    if (!ok) {
      throw new OrchestratorError(
        'environment',
        vscode.l10n.t('The audit trail was changed: row {0} of {1} does not fit.', String(firstBadRow), rows),
        { remedy: vscode.l10n.t('Compare it with a backup or an export before you rely on it.') },
      );
    }
    messages.info(vscode.l10n.t('The audit trail is whole: {0} rows, every hash fits.', rows));
  };
}

/** Writes the whole audit trail as JSON lines to a file of the person's choice, or to the one given. */
export function exportAudit({
  session,
  messages,
}: Pick<CommandContext, 'session' | 'messages'>): CommandBody {
  return async (arg) => {
    const { records } = await session.engine();
    const target = arg instanceof vscode.Uri ? arg : await chooseFile(session.repositoryPath);
    const file = await open(target.fsPath, 'w', 0o600);
    let count = 0;
    try {
      for (let after = 0; ;) {
        const page = await records.audit({ after, limit: pageSize });
        const lines = page.map((row) =>
          JSON.stringify({ ...wireEvent(row), actor: row.actor, cause: row.cause, hash: row.hash }),
        );
        await file.write(lines.map((line) => `${line}\n`).join(''));
        count += page.length;
        const last = page.at(-1);
        if (last === undefined || page.length < pageSize) break;
        after = last.seq;
      }
    } finally {
      await file.close();
    }
    messages.info(vscode.l10n.t('{0} rows of the audit trail are in {1}.', count, target.fsPath), {
      label: vscode.l10n.t('Open'),
      command: 'vscode.open',
      args: [target],
    });
  };
}

async function chooseFile(repository: string | null): Promise<vscode.Uri> {
  const name = `orchestrator-audit-${new Date().toISOString().slice(0, 10)}.jsonl`;
  const picked = await vscode.window.showSaveDialog({
    filters: { [vscode.l10n.t('JSON Lines')]: ['jsonl'] },
    saveLabel: vscode.l10n.t('Export'),
    ...(repository === null
      ? {}
      : { defaultUri: vscode.Uri.joinPath(vscode.Uri.file(repository), '..', name) }),
  });
  if (picked === undefined) throw new vscode.CancellationError();
  return picked;
}
