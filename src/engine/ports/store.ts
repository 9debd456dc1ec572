import type { Allocation } from '../domain/allocation.ts';
import type { Effect } from '../domain/effects.ts';
import type { DomainEvent } from '../domain/events.ts';
import type { Digest, RunId, TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Stage } from '../domain/stage.ts';

/** Who caused an event. */
export type Actor = 'person' | 'engine';

/** One transition, committed whole or not at all. */
export interface Transition {
  readonly actor: Actor;
  /** The command that caused it, by type. */
  readonly cause: string;
  readonly events: readonly DomainEvent[];
  /** The tasks as they are after the events: projection rows, and their rows in `tasks`. */
  readonly tasks: readonly Task[];
  readonly allocation: Allocation;
  readonly effects: readonly Effect[];
  /** Keys of effects that have their outcome now. */
  readonly settled: readonly string[];
  readonly bundles: readonly NewBundle[];
}

/** A context bundle to be stored whole under its digest; the same bytes again are the same bundle. */
export interface NewBundle {
  readonly digest: Digest;
  readonly taskId: TaskId;
  /** null for the request. */
  readonly runId: RunId | null;
  readonly stage: Stage | 'request';
  /** Canonical JSON, UTF-8; the digest is of these bytes. */
  readonly body: string;
}

export interface StoredBundle extends NewBundle {
  /** 1, 2, ... within the task and stage. */
  readonly version: number;
  readonly createdAt: number;
}

/** A row of the audit trail. */
export interface AuditRow {
  readonly seq: number;
  readonly at: number;
  readonly taskId: TaskId;
  readonly type: DomainEvent['type'];
  readonly actor: Actor;
  readonly cause: string;
  readonly data: unknown;
  /** Lower-case hex SHA-256 over the previous row's hash and this row. */
  readonly hash: string;
}

export interface AuditVerdict {
  readonly ok: boolean;
  readonly rows: number;
  /** Sequence number of the first row whose hash or number does not fit; null when all do. */
  readonly firstBadRow: number | null;
}

/** What became of an export that was taken in. */
export interface ArchiveImport {
  /** Tasks that came in, and tasks that were here already and stayed as they are. */
  readonly imported: number;
  readonly known: number;
  /** Their audit rows, as they are numbered here; the last of them tell the arrival, one for each task. Null = none. */
  readonly rows: { readonly first: number; readonly firstArrival: number; readonly last: number } | null;
  /** The repository that the export is of. */
  readonly repositoryPath: string;
  /** SHA-256 of the file up to its last line. */
  readonly sha256: string;
}

export interface LoadedState {
  /** Every task that is not final. */
  readonly tasks: readonly Task[];
  readonly allocation: Allocation;
  /** Effects without an outcome, oldest first. */
  readonly effects: readonly Effect[];
  readonly lastSeq: number;
  /** `at` of the newest audit row: time never runs backwards within a storage. */
  readonly lastAt: number;
}

/** The database, as the engine sees it. Every promise of a write resolves when it is durable. */
export interface Store {
  load(): Promise<LoadedState>;
  /**
   * Returns the audit rows of the events, in order. Rejects with an `OrchestratorError` when nothing more can be written, and
   * with any other error when it refused this transition alone and is as it was before.
   */
  commit(transition: Transition): Promise<readonly AuditRow[]>;
  task(id: TaskId): Promise<Task | null>;
  /** Ids that begin with the prefix (hex digits and dashes), at most `limit`. */
  taskIdsWithPrefix(prefix: string, limit: number): Promise<readonly TaskId[]>;
  /** Newest first. */
  tasks(page: { readonly limit: number; readonly offset: number }): Promise<readonly Task[]>;
  bundle(digest: Digest): Promise<StoredBundle | null>;
  /** All bundles of a task, oldest first, without their bodies. */
  bundles(taskId: TaskId): Promise<readonly Omit<StoredBundle, 'body'>[]>;
  /** Rows with `seq` greater than `after`, in order. */
  audit(query: {
    readonly taskId?: TaskId;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly AuditRow[]>;
  verifyAudit(): Promise<AuditVerdict>;
  /** What is wrong with the database file itself, in SQLite's words; empty when it is sound. 3 s for 276 MB. */
  damage(): Promise<readonly string[]>;
  /** See `ImportingEngine.importArchive`; `now` (epoch ms) is the time of the arrival. */
  importArchive(path: string, now: number): Promise<ArchiveImport>;
  close(): Promise<void>;
}
