import type * as vscode from 'vscode';
import type { Slot, SlotPort } from '../engine/domain/allocation.ts';
import type { TaskId } from '../engine/domain/ids.ts';
import type { Task } from '../engine/domain/task.ts';
import type { Engine } from '../engine/engine.ts';
import type { Notice } from '../engine/orchestratorService.ts';

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

/** The tasks of the folder, live, whoever drives them. Views render from it and never ask the database for lists. */
export interface TaskModel {
  /** Newest first. */
  all(): readonly Task[];
  get(id: TaskId): Task | undefined;
  slots(): Readonly<Record<SlotPort, Slot>>;
  /** Fires after every transition with the tasks it changed; empty = slots only. */
  readonly onDidChange: vscode.Event<readonly Task[]>;
}

/**
 * The window's one connection to the engine. Nothing is loaded or opened before it is first asked for: activation
 * stays cheap. Commands, views and webviews hold this and nothing else of the engine.
 */
export interface Session extends vscode.Disposable {
  readonly state: SessionState;
  readonly onDidChangeState: vscode.Event<SessionState>;
  readonly tasks: TaskModel;
  /** Every notice of the engine, in order: committed rows, agents' activity, failure. */
  readonly onNotice: vscode.Event<Notice>;
  /** Opens it if need be. Rejects with an OrchestratorError that names what is missing and how to mend it. */
  engine(): Promise<Engine>;
  /** The folder's repository: its top level. */
  readonly repositoryPath: string | null;
  /** Storage folder on disk; run directories lie below `runs/`. */
  readonly storagePath: string | null;
}
