import * as vscode from 'vscode';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { EventServer } from '../eventServer.ts';
import type { Messages } from '../messages.ts';
import type { CommandBody } from './context.ts';

/** Starts the local server, and hands out what a client needs. */
export function startEventServer(server: EventServer): CommandBody {
  return async () => {
    const { url, token } = await server.start();
    const copyAddress = vscode.l10n.t('Copy Address');
    const copyToken = vscode.l10n.t('Copy Token');
    const text = vscode.l10n.t(
      'The event server listens on {0}. A client shows its token as "Authorization: Bearer ...".',
      url,
    );
    const picked = await vscode.window.showInformationMessage(text, copyAddress, copyToken);
    if (picked === copyAddress) await vscode.env.clipboard.writeText(url);
    if (picked === copyToken) await vscode.env.clipboard.writeText(token);
  };
}

export function stopEventServer(server: EventServer, messages: Pick<Messages, 'info'>): CommandBody {
  return async () => {
    if (!(await server.stop())) throw notRunning();
    messages.info(vscode.l10n.t('The event server is stopped.'));
  };
}

export function copyEventServerAddress(server: EventServer): CommandBody {
  return async () => {
    const running = await server.running();
    if (running === null) throw notRunning();
    await vscode.env.clipboard.writeText(running.url);
  };
}

function notRunning(): OrchestratorError {
  return new OrchestratorError('bad-input', vscode.l10n.t('The event server does not run.'), {
    remedy: vscode.l10n.t('Start it first.'),
  });
}
