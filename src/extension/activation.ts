import * as vscode from 'vscode';
import type { CommandContext } from './commands/context.ts';
import { registerCommands } from './commands/registerCommands.ts';
import { baseUrl, eventServerSettings, extraVariables, onDidChangeSetting } from './config.ts';
import { settingKeys } from './contributions/ids.ts';
import { EngineSession, unfinishedKey } from './engineSession.ts';
import { watchFolders } from './folderWatch.ts';
import { RunEnvironment } from './runEnvironment.ts';
import { loadEngine } from './loadEngine.ts';
import { Log } from './log.ts';
import { Messages } from './messages.ts';
import { EventServer } from './eventServer.ts';
import { openEventServer } from './openEventServer.ts';
import { registerReview } from './review/registerReview.ts';
import { Secrets } from './secrets.ts';
import { watchSetup } from './setupWatch.ts';
import { isTrusted } from './trust.ts';
import { registerUriHandler } from './uriHandler.ts';
import { plainLine } from './views/markdownText.ts';
import { registerViews } from './views/registerViews.ts';
import { TreeSelection } from './views/treeSelection.ts';
import { registerWebviews } from './webview/registerWebviews.ts';

export interface Activated {
  close(): Promise<void>;
}

/** Puts the extension together. No I/O and nothing of the engine: what takes time happens at first use. */
export function activateExtension(context: vscode.ExtensionContext): Activated {
  const log = new Log();
  const messages = new Messages();
  const selection = new TreeSelection();
  const secrets = new Secrets(context.secrets);
  const environment = new RunEnvironment(secrets, baseUrl, extraVariables);
  const session = new EngineSession({
    context,
    loadEngine,
    environment: environment.variables,
    agentEnvironment: environment.extra,
    prepare: () => environment.refresh(),
    log,
    onProgress: (text) => {
      log.info('engine.progress', { text });
      vscode.window.setStatusBarMessage(`$(sync~spin) ${plainLine(text, 200)}`, 10_000);
    },
  });
  const eventServer = new EventServer(() =>
    openEventServer({ session, environment: environment.variables, logger: log }),
  );
  const serveIfWanted = async (): Promise<void> => {
    if (eventServerSettings().enabled) await eventServer.start();
  };
  const commandContext: CommandContext = {
    extension: context,
    session,
    loadEngine,
    importingEngine: () => session.engine(),
    secrets,
    messages,
    log,
    selection,
    eventServer,
    environment: environment.variables,
    prepare: () => environment.refresh(),
  };
  const report = (error: unknown): void => log.error('background', { error: String(error) });

  context.subscriptions.push(
    log,
    session,
    registerCommands(commandContext),
    safely(log, 'views', () => registerViews(context, session, messages, selection)),
    safely(log, 'review', () => registerReview(context, session, report)),
    safely(log, 'webviews', () => registerWebviews(context, session, log)),
    registerUriHandler(),
    session.onNotice((notice) => {
      if (notice.type !== 'committed' || session.state.type !== 'driving') return;
      const caused = notice.rows.filter(({ actor }) => actor === 'engine').map(({ taskId }) => taskId);
      for (const task of notice.tasks) {
        if (caused.includes(task.id)) messages.needed(task);
        else messages.answered(task);
      }
    }),
    session.onDidChangeState((state) => {
      if (state.type === 'driving') void serveIfWanted().catch((error: unknown) => messages.error(error));
    }),
    watchSetup(commandContext, report),
    secrets.onDidChange(() => void environment.refresh().catch(report)),
    onDidChangeSetting((affects) => {
      const tell = (error: unknown): void => messages.error(error);
      if (affects(settingKeys.baseUrl) || affects(settingKeys.environment))
        void environment.refresh().catch(tell);
      if (!session.wasAsked) return;
      if (affects(settingKeys.worktreeFolder) || affects(settingKeys.dockerHost))
        void session.reopen().catch(tell);
      else if (affects(settingKeys.maxConcurrentTasks) || affects(settingKeys.keepTranscriptsDays))
        void session.applySettings().catch(tell);
      if (affects(settingKeys.eventServerEnabled)) {
        const follow = eventServerSettings().enabled ? eventServer.start() : eventServer.stop();
        void follow.catch(tell);
      } else if (affects(settingKeys.eventServerPort) || affects(settingKeys.eventServerAllowedOrigins))
        void eventServer.restart().catch(tell);
    }),
    watchFolders(session, report),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      if (session.wasAsked) void session.reopen().catch(report);
    }),
  );

  // What was under way when the window closed goes on; nothing else is a reason to open anything now.
  if (context.workspaceState.get<unknown>(unfinishedKey) === true && isTrusted()) {
    setImmediate(() => void session.engine().catch(report));
  }
  return {
    async close() {
      await eventServer.stop();
      await session.close();
    },
  };
}

/** One part that fails must not take the others along. */
function safely(log: Log, part: string, register: () => vscode.Disposable): vscode.Disposable {
  try {
    return register();
  } catch (error) {
    log.error('activation.failed', { part, error: error instanceof Error ? error.stack : String(error) });
    return new vscode.Disposable(() => {});
  }
}
