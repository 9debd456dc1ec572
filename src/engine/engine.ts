import type { ImportCommand, PersonCommand, Rejection } from './domain/commands.ts';
import type { TaskId } from './domain/ids.ts';
import type { ArchiveImport, NewBundle, Store } from './ports/store.ts';

/** What can be read of a storage. */
export type Records = Pick<
  Store,
  'task' | 'taskIdsWithPrefix' | 'tasks' | 'bundle' | 'bundles' | 'audit' | 'verifyAudit' | 'damage'
>;

/**
 * What a face needs for reading and for a person's moves: the engine of this process, or the one that holds the
 * storage in another process and is spoken to through its lock's socket.
 */
export interface Engine {
  readonly records: Records;
  /** Resolves when the move is durable, or with the reason it was refused. */
  dispatch(command: PersonCommand, bundles: readonly NewBundle[]): Promise<Rejection | null>;
  /** Resolves when what a move set going has come to its end: the run stopped, the branch merged, the container gone. */
  settled(taskId: TaskId): Promise<void>;
  close(): Promise<void>;
}

/** An engine that also lets in what comes from elsewhere, many tasks at once. */
export interface ImportingEngine extends Engine {
  /** Takes over tasks of another board, all of them in one transaction; resolves with the ids of those that were new. */
  importTasks(
    command: ImportCommand,
    bundles: readonly NewBundle[],
  ): Promise<Rejection | { readonly type: 'imported'; readonly taskIds: readonly TaskId[] }>;
  /** Takes in the file of an export (absolute path), whole or not at all. Throws `bad-input` when it will not do. */
  importArchive(path: string): Promise<ArchiveImport>;
}
