import { join } from 'node:path';
import * as vscode from 'vscode';
import { OrchestratorError } from '../engine/ports/errors.ts';
import type { Logger } from '../engine/ports/logger.ts';
import { secretValuesOf } from '../engine/process/redactor.ts';
import { eventServerSettings, taskSettings } from './config.ts';
import type { RunningServer } from './eventServer.ts';
import { loadServer } from './loadServer.ts';
import type { Session } from './session.ts';

/** Starts the engine's local server for the folder of the window. Throws what is missing and how to mend it. */
export async function openEventServer({
  session,
  environment,
  logger,
}: {
  readonly session: Session;
  /** Where credentials come from: none of their values leaves this machine. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}): Promise<RunningServer> {
  await session.engine();
  const path = session.repositoryPath;
  if (path === null) throw new OrchestratorError('environment', vscode.l10n.t('No repository is open.'));
  const { port, allowedOrigins } = eventServerSettings();
  return loadServer().startServer({
    feed: session,
    project: { name: vscode.workspace.name ?? path, path },
    newTask: {
      defaults: () => taskSettings(vscode.Uri.file(path)),
      // As with New Task: a task that cannot run here rests, and says why.
      check: () => Promise.resolve(),
    },
    access: 'move',
    port,
    allowedOrigins,
    pages: join(__dirname, 'webview'),
    secrets: () => secretValuesOf(environment),
    logger,
  });
}
