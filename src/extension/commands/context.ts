import type * as vscode from 'vscode';
import type { ImportingEngine } from '../../engine/engine.ts';
import type { EngineBundle } from '../engineBundle.ts';
import type { EventServer } from '../eventServer.ts';
import type { Log } from '../log.ts';
import type { Messages } from '../messages.ts';
import type { Secrets } from '../secrets.ts';
import type { Session } from '../session.ts';
import type { TreeSelection } from '../views/treeSelection.ts';

/** What commands work with. */
export interface CommandContext {
  readonly extension: vscode.ExtensionContext;
  readonly session: Session;
  readonly loadEngine: () => EngineBundle;
  /** The session's engine, where many tasks come in at once. */
  readonly importingEngine: () => Promise<ImportingEngine>;
  readonly secrets: Secrets;
  readonly messages: Messages;
  readonly log: Log;
  readonly selection: TreeSelection;
  readonly eventServer: EventServer;
  /** Where credentials come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Fills the environment from key store and settings. */
  readonly prepare: () => Promise<void>;
}

/** The body of a command. `arg` is what a menu, a link or another extension gave: anything. `selected`: all rows, of a tree. */
export type CommandBody = (arg?: unknown, selected?: unknown) => Promise<void>;
