import { constants, renameSync } from 'node:fs';
import { join } from 'node:path';
import { OrchestratorError } from '../../ports/errors.ts';
import type { FileIo } from './fileIo.ts';
import { JournalGuard } from './journalGuard.ts';
import type { Connection, Sqlite } from './sqlite.ts';
import { Volume } from './volume.ts';
import { webAssembly } from './webAssembly.ts';

export type SqlValue = number | string | Uint8Array | null;
export type Row = Readonly<Record<string, SqlValue>>;

export interface DatabaseLocation {
  readonly directory: string;
  /** File name within the directory. */
  readonly name: string;
  readonly io: FileIo;
}

interface Prepared {
  readonly statement: ReturnType<Connection['prepare']>;
  readonly columns: readonly string[];
}

// SQLite's own words for the errors after which the state of file and cache is unknown. sql.js gives no codes.
const fatal =
  /disk I\/O error|database or disk is full|image is malformed|unable to open database file|readonly database|out of memory|not a database/;

/**
 * A SQLite file, synchronous, for the one writer. A write returns when it is durable. After an I/O error or a write by
 * another program every call throws `environment` until the file is closed and opened again.
 */
export class Database {
  readonly #location: DatabaseLocation;
  readonly #sqlite: Sqlite;
  readonly #volume: Volume;
  readonly #guard: JournalGuard;
  readonly #prefix: string;
  readonly #statements = new Map<string, Prepared>();
  #connection: Connection | undefined;
  #headerFd: number | undefined;
  /** What the file looked like after our last transaction. */
  #fingerprint = '';
  #poison: OrchestratorError | null = null;
  #inTransaction = false;
  #closed = false;

  constructor(sqlite: Sqlite, location: DatabaseLocation) {
    this.#sqlite = sqlite;
    this.#location = location;
    this.#guard = new JournalGuard(location.directory, location.name);
    this.#volume = new Volume(location.directory, location.io, this.#guard);
    this.#guard.arm();
    this.#prefix = sqlite.vfs.mount(this.#volume);
    try {
      // The guard's symlink must not be younger than the first journal behind it.
      this.#syncDirectory();
      this.#connection = sqlite.open(this.#prefix + location.name);
      this.#configure();
      this.#checkLength();
      this.#headerFd = this.#volume.open(location.name, constants.O_RDONLY);
      this.#fingerprint = this.#readFingerprint();
    } catch (error) {
      const failure = this.#failureOf(error);
      this.close();
      throw failure;
    }
  }

  /** Rows of a query. */
  all(sql: string, params: SqlValue[] = []): Row[] {
    return this.#guarded(() => {
      const { statement, columns } = this.#prepare(sql);
      const rows: Row[] = [];
      try {
        statement.bind(params);
        while (statement.step()) {
          const values = statement.get();
          rows.push(Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null])));
        }
      } finally {
        statement.reset();
      }
      return rows;
    });
  }

  /** One statement that changes something; only inside `transaction`. */
  run(sql: string, params: SqlValue[] = []): void {
    this.#mustBeInTransaction();
    this.#step(sql, params);
  }

  /** Several statements without parameters; only inside `transaction`. */
  script(sql: string): void {
    this.#mustBeInTransaction();
    this.#guarded(() => this.#open().exec(sql));
  }

  /** All or nothing: returns when it is on disk; throws when nothing of it is, or, after an I/O error, when that is unknown. */
  transaction<Result>(work: () => Result): Result {
    if (this.#inTransaction) throw new Error('transactions do not nest');
    this.#fence();
    this.#step('BEGIN IMMEDIATE');
    this.#inTransaction = true;
    try {
      const result = work();
      this.#step('COMMIT');
      this.#fingerprint = this.#readFingerprint();
      return result;
    } catch (error) {
      if (this.#poison === null) this.#execute('ROLLBACK');
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** What SQLite's own check finds wrong with the file, most important first; empty when it is sound. */
  damage(): readonly string[] {
    const found = this.all('PRAGMA integrity_check(20)').map((row) => String(row['integrity_check']));
    return found.filter((line) => line !== 'ok');
  }

  /** A consistent copy under another name in the same directory, durable when it returns. Replaces an older one. */
  backUp(name: string): void {
    const partial = `${name}.partial`;
    this.#guarded(() => {
      try {
        this.#volume.unlink(partial);
      } catch (error) {
        if (this.#volume.failure !== null) throw error;
      }
    });
    this.#execute(`VACUUM INTO '${this.#prefix}${partial}'`);
    this.#guarded(() => {
      const fd = this.#volume.open(partial, constants.O_RDWR);
      this.#volume.fsync(fd);
      this.#volume.close(fd);
      renameSync(join(this.#location.directory, partial), join(this.#location.directory, name));
      this.#syncDirectory();
    });
  }

  /** Never throws for an I/O error: what was committed is on disk, what was not is rolled back at the next open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { statement } of this.#statements.values()) statement.free();
    this.#statements.clear();
    try {
      this.#connection?.close();
      if (this.#headerFd !== undefined) this.#volume.close(this.#headerFd);
    } catch (error) {
      if (this.#poison === null && this.#volume.failure === null) throw error;
    } finally {
      this.#sqlite.vfs.unmount(this.#volume);
      this.#guard.disarm();
    }
  }

  #configure(): void {
    // First of all: a file left in WAL mode would otherwise ask for shared memory, which does not exist here.
    this.#execute('PRAGMA locking_mode=EXCLUSIVE');
    this.#execute('PRAGMA temp_store=MEMORY');
    // 4 MB: the kernel caches the file too, and WebAssembly never gives memory back.
    this.#execute('PRAGMA cache_size=-4096');
    const [row] = this.#open().exec('PRAGMA journal_mode=TRUNCATE');
    const mode = row?.values[0]?.[0];
    if (mode !== 'truncate') throw new Error(`disk I/O error: journal mode is ${String(mode)}, not truncate`);
    this.#execute('PRAGMA synchronous=FULL');
    // `tasks` refers to `task_attempts`, a table of the board's and not ours: with foreign keys on, SQLite refuses every
    // INSERT into and DELETE from `tasks` and `projects` ("no such table: main.task_attempts").
    this.#execute('PRAGMA foreign_keys=OFF');
  }

  /** SQLite takes what is missing of the last page for zeros, and what was there for never written. */
  #checkLength(): void {
    const [row] = this.all('SELECT page_size FROM pragma_page_size, (SELECT count(*) FROM sqlite_master)');
    const { size } = this.#volume.stat(this.#location.name);
    if (Number(size) % Number(row?.['page_size']) !== 0)
      throw new Error(`database disk image is malformed: ${size} bytes are no whole number of pages`);
  }

  #syncDirectory(): void {
    const fd = this.#volume.openDirectory();
    this.#volume.fsyncDirectory(fd);
    this.#volume.close(fd);
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#open().prepare(sql);
      prepared = { statement, columns: statement.getColumnNames() };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }

  /** One statement of those that come again and again. */
  #step(sql: string, params: SqlValue[] = []): void {
    this.#guarded(() => {
      const { statement } = this.#prepare(sql);
      try {
        statement.bind(params);
        statement.step();
      } finally {
        statement.reset();
      }
    });
  }

  #execute(sql: string): void {
    this.#guarded(() => this.#open().exec(sql));
  }

  #open(): Connection {
    if (this.#closed || this.#connection === undefined) throw new Error('the database is closed');
    return this.#connection;
  }

  #mustBeInTransaction(): void {
    if (!this.#inTransaction) throw new Error('a write outside of a transaction');
  }

  /** We are the only legal writer, so any change we did not make is foreign, and our page cache no longer tells the truth. */
  #fence(): void {
    this.#guarded(() => {
      if (this.#readFingerprint() === this.#fingerprint) return;
      this.#poison = new OrchestratorError('environment', `Another program wrote to ${this.#path()}.`, {
        remedy:
          'Stop writing to it from outside, then restart the orchestrator: it will read the file afresh.',
      });
      throw this.#poison;
    });
  }

  /** SQLite's change counter, size, and the file's identity (a restored copy is another file under the same name). */
  #readFingerprint(): string {
    if (this.#closed || this.#headerFd === undefined) throw new Error('the database is closed');
    const counter = Buffer.alloc(4);
    this.#volume.read(this.#headerFd, counter, 0, 4, 24);
    const { size, ino } = this.#volume.stat(this.#location.name);
    return `${counter.toString('hex')}:${size}:${ino}`;
  }

  #guarded<Result>(call: () => Result): Result {
    if (this.#poison !== null) throw this.#poison;
    try {
      const result = call();
      // SQLite absorbs some errors, for instance that of an unlink; what it believes is then not what is on disk.
      if (this.#volume.failure !== null) throw this.#volume.failure;
      return result;
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  /** The error to throw; from a fatal one the database is dead. */
  #failureOf(error: unknown): unknown {
    if (error instanceof OrchestratorError) return error;
    const cause = this.#volume.failure ?? error;
    const words = cause instanceof Error ? cause.message : String(cause);
    // A trap of the wasm is a RuntimeError: its memory can not be trusted any more.
    if (this.#volume.failure === null && !fatal.test(words) && !(error instanceof webAssembly.RuntimeError))
      return error;
    this.#poison ??= new OrchestratorError('environment', `The database ${this.#path()} failed: ${words}`, {
      remedy: /malformed|not a database/.test(words)
        ? `Copy the folder as it is, then get back what can be read with \`sqlite3 ${this.#location.name} .recover\`, or move the file out to begin anew: branches and worktrees are not in it.`
        : 'Check that the disk has space and is writable, then restart the orchestrator.',
      cause,
    });
    return this.#poison;
  }

  #path(): string {
    return join(this.#location.directory, this.#location.name);
  }
}
