import type { PersonCommand, Rejection } from './domain/commands.ts';
import type { TaskId } from './domain/ids.ts';
import type { NewBundle, Store } from './ports/store.ts';

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
