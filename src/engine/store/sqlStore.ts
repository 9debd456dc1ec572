import { isDeepStrictEqual } from 'node:util';
import type { Allocation } from '../domain/allocation.ts';
import type { DomainEvent } from '../domain/events.ts';
import type { Digest, RunId, TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type {
  ArchiveImport,
  AuditRow,
  AuditVerdict,
  LoadedState,
  Store,
  StoredBundle,
  Transition,
} from '../ports/store.ts';
import { checkArchive } from './archive/checkArchive.ts';
import { takeInArchive } from './archive/takeInArchive.ts';
import { auditHash, genesisHash } from './auditChain.ts';
import { migrate } from './migrations.ts';
import { loadAllocation, saveAllocation } from './sql/allocation.ts';
import { appendAudit, listAudit, listAuditLinks, loadAuditHead } from './sql/audit.ts';
import type { AuditHead } from './sql/audit.ts';
import { listBundles, loadBundle, saveBundle } from './sql/bundles.ts';
import { addEffect, loadEffects, settleEffect } from './sql/outbox.ts';
import { ensureProject } from './sql/projects.ts';
import { saveRun } from './sql/runs.ts';
import { findTaskIds, listTasks, loadOpenTasks, loadTask, newestTaskSeq, saveTask } from './sql/tasks.ts';
import type { Database } from './sqljs/database.ts';
import { nodeFileIo } from './sqljs/fileIo.ts';
import type { FileIo } from './sqljs/fileIo.ts';
import { openDatabase } from './sqljs/openDatabase.ts';

/** The `Store` port's operations without the promises. */
type Synchronous = {
  [Name in keyof Store]: Store[Name] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Result
    : never;
};

export interface SqlStoreOptions {
  /** Storage folder. */
  readonly directory: string;
  readonly repositoryPath: string;
  readonly projectName: string;
  /** sql.js's `sql-wasm.wasm`. */
  readonly wasmPath: string;
}

/** Name of the database in the storage folder. */
const databaseName = 'orchestrator.db';

// 200 rows hash in about 10 ms: short enough not to hold up a commit that comes in between.
const verifiedAtOnce = 200;

/** The store on a SQLite file, synchronous: for the thread that owns the file. The caller holds the writer lock. */
export class SqlStore implements Synchronous {
  readonly #database: Database;
  readonly #projectId: Uint8Array;
  #head: AuditHead;
  /** What the file has, once it was written from here: most transitions leave it as it is. */
  #allocation: Allocation | null = null;

  private constructor(database: Database, options: SqlStoreOptions) {
    this.#database = database;
    migrate(database, databaseName);
    this.#projectId = ensureProject(database, {
      repositoryPath: options.repositoryPath,
      name: options.projectName,
    });
    this.#head = loadAuditHead(database);
  }

  /** Opens or creates the database and brings it to the newest version; throws `environment` when it can not. */
  static async open(options: SqlStoreOptions, io: FileIo = nodeFileIo): Promise<SqlStore> {
    const { directory, wasmPath } = options;
    const database = await openDatabase(wasmPath, { directory, name: databaseName, io });
    try {
      return new SqlStore(database, options);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  load(): LoadedState {
    return { tasks: [...this.openTasks()].flat(), ...this.loadWithoutTasks() };
  }

  /** The tasks of `load` in pages. */
  openTasks(): Iterable<readonly Task[]> {
    return loadOpenTasks(this.#database);
  }

  loadWithoutTasks(): Omit<LoadedState, 'tasks'> {
    return {
      allocation: loadAllocation(this.#database),
      effects: loadEffects(this.#database),
      lastSeq: this.#head.seq,
      lastAt: this.#head.at,
    };
  }

  commit(transition: Transition): readonly AuditRow[] {
    const { actor, cause, events, tasks } = transition;
    const at = events.at(-1)?.at ?? this.#head.at;
    const touched = new Set(events.flatMap(runIdOf));
    const { rows, head } = this.#database.transaction(() => {
      const appended = appendAudit(this.#database, this.#head, events, { actor, cause });
      for (const task of tasks) {
        saveTask(this.#database, task, this.#projectId, appended.head.seq);
        for (const run of task.runs) {
          if (run.status === 'running' || touched.has(run.id)) saveRun(this.#database, task.id, run);
        }
      }
      for (const bundle of transition.bundles) saveBundle(this.#database, bundle, at);
      // Settled first: a transition may call for an effect anew under the key of the one it settles.
      for (const key of transition.settled) settleEffect(this.#database, key);
      for (const effect of transition.effects) addEffect(this.#database, effect, appended.head.seq);
      if (!isDeepStrictEqual(transition.allocation, this.#allocation))
        saveAllocation(this.#database, transition.allocation);
      return appended;
    });
    // Only now: a transaction that failed leaves both as they were.
    this.#head = head;
    this.#allocation = transition.allocation;
    return rows;
  }

  task(id: TaskId): Task | null {
    return loadTask(this.#database, id);
  }

  taskIdsWithPrefix(prefix: string, limit: number): readonly TaskId[] {
    return findTaskIds(this.#database, prefix, limit);
  }

  tasks(page: { readonly limit: number; readonly offset: number }): readonly Task[] {
    return listTasks(this.#database, page.limit, page.offset);
  }

  bundle(digest: Digest): StoredBundle | null {
    return loadBundle(this.#database, digest);
  }

  bundles(taskId: TaskId): readonly Omit<StoredBundle, 'body'>[] {
    return listBundles(this.#database, taskId);
  }

  audit(query: {
    readonly taskId?: TaskId;
    readonly after: number;
    readonly limit: number;
  }): readonly AuditRow[] {
    return listAudit(this.#database, query);
  }

  verifyAudit(): AuditVerdict {
    const steps = this.auditVerification();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** `verifyAudit` in steps short enough to let other work in between. */
  *auditVerification(): Generator<void, AuditVerdict> {
    let previous = genesisHash;
    let rows = 0;
    for (;;) {
      const links = listAuditLinks(this.#database, rows, verifiedAtOnce);
      for (const { seq, columns, hash } of links) {
        const expected = columns === null ? null : auditHash(previous, columns);
        if (seq !== rows + 1 || expected === null || Buffer.compare(expected, hash) !== 0) {
          return { ok: false, rows, firstBadRow: rows + 1 };
        }
        previous = hash;
        rows = seq;
      }
      if (links.length < verifiedAtOnce) break;
      yield;
    }
    // Rows cut off at the end leave a chain that fits: the tasks still know how far it went.
    const missing = newestTaskSeq(this.#database) > rows;
    return { ok: !missing, rows, firstBadRow: missing ? rows + 1 : null };
  }

  damage(): readonly string[] {
    return this.#database.damage();
  }

  importArchive(path: string, now: number): ArchiveImport {
    const checked = checkArchive(path);
    try {
      const { result, head } = takeInArchive(this.#database, checked, {
        head: this.#head,
        projectId: this.#projectId,
        now,
      });
      this.#head = head;
      return result;
    } finally {
      checked.close();
    }
  }

  close(): void {
    this.#database.close();
  }
}

function runIdOf(event: DomainEvent): readonly RunId[] {
  return 'runId' in event.data && event.data.runId !== null ? [event.data.runId] : [];
}
