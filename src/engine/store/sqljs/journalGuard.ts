import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { OrchestratorError } from '../../ports/errors.ts';

// libuv's share mode 0 on Windows: nobody else can open the file while this handle lives.
const windowsExclusiveOpen = 0x10000000;

/**
 * Keeps other SQLite programs from rolling back or writing our database while we have it open. SQLite's own locks
 * are not there to do it: Emscripten's fcntl locks are no-ops.
 *
 * POSIX: to everyone else `<database>-journal` is a symlink. SQLite opens journals with O_NOFOLLOW, so a foreign
 * program can read between commits, but can neither roll back our hot journal nor begin a write of its own.
 * Windows: the journal itself is opened exclusively, which the kernel ends with the process.
 */
export class JournalGuard {
  readonly #directory: string;
  readonly #journal: string;
  readonly #live: string;
  readonly #symlinked = process.platform !== 'win32';

  constructor(directory: string, database: string) {
    this.#directory = directory;
    this.#journal = `${database}-journal`;
    this.#live = `${database}-journal.live`;
  }

  /** The name a file has on disk: our journal lies where the symlink points. */
  nameOnDisk(name: string): string {
    return this.#symlinked && name === this.#journal ? this.#live : name;
  }

  /** Flags to add when the file is opened. */
  openFlags(name: string): number {
    return !this.#symlinked && name === this.#journal ? windowsExclusiveOpen : 0;
  }

  /** Call before the database is opened, by the one who holds the writer lock. */
  arm(): void {
    if (!this.#symlinked) return;
    const journal = join(this.#directory, this.#journal);
    const live = join(this.#directory, this.#live);
    const found = lstatSync(journal, { throwIfNoEntry: false });
    if (found?.isFile() === true) {
      // A plain journal: left by another program, or put back by hand after a crash. A hot one is ours to roll back.
      if (isHot(journal) && isHot(live)) {
        throw new OrchestratorError(
          'environment',
          `The database has two rollback journals: ${journal} and ${live}.`,
          {
            remedy:
              'Copy the folder as a backup, then delete the journal that does not belong to the database.',
          },
        );
      }
      if (isHot(journal)) renameSync(journal, live);
      else rmSync(journal);
    }
    if (!existsSync(live)) writeFileSync(live, '', { mode: 0o600 });
    if (found?.isSymbolicLink() !== true) symlinkSync(this.#live, journal);
  }

  /** Call after the database is closed: leaves a plain SQLite file behind, unless a journal is still needed to mend it. */
  disarm(): void {
    if (!this.#symlinked || isHot(join(this.#directory, this.#live))) return;
    rmSync(join(this.#directory, this.#journal), { force: true });
    rmSync(join(this.#directory, this.#live), { force: true });
  }
}

/** As SQLite decides it: a first byte of zero means that the journal was rolled back or committed. */
function isHot(journal: string): boolean {
  if (!existsSync(journal)) return false;
  const fd = openSync(journal, 'r');
  try {
    const first = Buffer.alloc(1);
    return readSync(fd, first, 0, 1, 0) === 1 && first[0] !== 0;
  } finally {
    closeSync(fd);
  }
}
