import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OrchestratorError } from '../../ports/errors.ts';
import { Database } from './database.ts';
import type { DatabaseLocation } from './database.ts';
import { nodeFileIo } from './fileIo.ts';
import type { FileIo } from './fileIo.ts';
import { loadSqlite } from './sqlite.ts';
import type { Sqlite } from './sqlite.ts';

/**
 * Opens the file, creating it when absent; rolls back what a crash left half done. The caller holds the writer lock.
 * Throws `environment` when the disk, or SQLite on it, does not do what durability needs.
 */
export async function openDatabase(wasmPath: string, location: DatabaseLocation): Promise<Database> {
  const sqlite = await loadSqlite(wasmPath);
  checkDurability(sqlite, location.directory, `${location.name}.check`);
  return new Database(sqlite, location);
}

/**
 * The hook stands on details of one wasm build: prove on a scratch file that a commit is synced and that its bytes are
 * a database to a SQLite that does not use the hook. About 10 ms.
 */
function checkDurability(sqlite: Sqlite, directory: string, name: string): void {
  const files = [name, `${name}-journal`, `${name}-journal.live`].map((file) => join(directory, file));
  const path = join(directory, name);
  const remove = (): void => files.forEach((file) => rmSync(file, { force: true }));
  remove();
  try {
    let syncs = 0;
    const io: FileIo = {
      ...nodeFileIo,
      fsync(fd) {
        nodeFileIo.fsync(fd);
        syncs += 1;
      },
    };
    const scratch = new Database(sqlite, { directory, name, io });
    try {
      syncs = 0;
      scratch.transaction(() =>
        scratch.script("CREATE TABLE proof (word TEXT); INSERT INTO proof VALUES ('durable')"),
      );
    } finally {
      scratch.close();
    }
    // The journal, its header and the database: fewer means that a power cut could lose or tear a commit.
    if (syncs < 3) throw new Error(`a commit was synced ${syncs} times, not at least 3`);
    const copy = sqlite.openBytes(readFileSync(path));
    const word = copy.exec('SELECT word FROM proof')[0]?.values[0]?.[0];
    copy.close();
    if (word !== 'durable') throw new Error('a committed row was not in the file');
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new OrchestratorError('environment', `SQLite does not work in ${directory}: ${words}`, {
      remedy: 'Make sure the folder is writable and on a local disk with free space.',
      cause: error,
    });
  } finally {
    remove();
  }
}
