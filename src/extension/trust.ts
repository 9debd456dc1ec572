import * as vscode from 'vscode';
import type { PersonCommand, Rejection } from '../engine/domain/commands.ts';
import type { ImportingEngine } from '../engine/engine.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';

/** Whether anything may run here. */
export function isTrusted(): boolean {
  return vscode.workspace.isTrusted;
}

export function untrustedError(): OrchestratorError {
  return new OrchestratorError(
    'environment',
    vscode.l10n.t('This folder is not trusted, so nothing may run in it.'),
    {
      remedy: vscode.l10n.t('Trust the folder first: run "Workspaces: Manage Workspace Trust".'),
    },
  );
}

/** History can be read in a folder that is not trusted; no move is made. */
export function readOnly(engine: ImportingEngine): ImportingEngine {
  return {
    records: engine.records,
    dispatch: (_command: PersonCommand): Promise<Rejection | null> => Promise.reject(untrustedError()),
    importTasks: () => Promise.reject(untrustedError()),
    importArchive: () => Promise.reject(untrustedError()),
    settled: () => Promise.reject(untrustedError()),
    close: () => engine.close(),
  };
}
