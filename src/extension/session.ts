import type * as vscode from 'vscode';
import type { TaskFeed } from '../engine/inspection/taskFeed.ts';

/** How this window stands with the storage of its folder. */
export type SessionState =
  /** There is nothing to open an engine for, or it must not be opened. */
  | { readonly type: 'unavailable'; readonly reason: 'no-folder' | 'untrusted' | 'no-repository' }
  | { readonly type: 'opening' }
  /** The engine runs in this window. */
  | { readonly type: 'driving' }
  /** Another window or a headless host holds the storage; this one follows it and takes over when it closes. */
  | { readonly type: 'following'; readonly holder: string }
  | { readonly type: 'failed'; readonly message: string; readonly remedy: string | null };

/**
 * The window's one connection to the engine. Nothing is loaded or opened before it is first asked for: activation
 * stays cheap. Commands, views and webviews hold this and nothing else of the engine.
 */
export interface Session extends TaskFeed, vscode.Disposable {
  readonly state: SessionState;
  readonly onDidChangeState: vscode.Event<SessionState>;
  /** The folder's repository: its top level. */
  readonly repositoryPath: string | null;
}
