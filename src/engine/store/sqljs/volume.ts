import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { FileIo } from './fileIo.ts';
import type { JournalGuard } from './journalGuard.ts';
import { WriteRun } from './writeRun.ts';

/**
 * One host directory as SQLite sees it. The first failure of real I/O freezes it: after a failed fsync the kernel may
 * call lost pages clean, so nothing may be written until the file is opened anew and its journal rolled back.
 */
export class Volume {
  readonly directory: string;
  readonly #io: FileIo;
  readonly #guard: JournalGuard;
  readonly #run: WriteRun;
  #failure: Error | null = null;

  constructor(directory: string, io: FileIo, guard: JournalGuard) {
    this.directory = directory;
    this.#io = io;
    this.#guard = guard;
    this.#run = new WriteRun(io);
  }

  /** The I/O error after which nothing here is written any more; null while all is well. */
  get failure(): Error | null {
    return this.#failure;
  }

  open(name: string, flags: number): number {
    const guarded = flags | this.#guard.openFlags(name);
    // SQLite asks for 0644; a task's prompts and findings are nobody else's business.
    return this.#ask(() => this.#io.open(this.#path(name), guarded, 0o600), isAbsent);
  }

  openDirectory(): number {
    return this.#ask(() => this.#io.open(this.directory, constants.O_RDONLY, 0));
  }

  close(fd: number): void {
    try {
      this.#flush();
    } finally {
      this.#attempt(() => this.#io.close(fd));
    }
  }

  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return this.#ask(() => this.#io.read(fd, buffer, offset, length, position));
  }

  /** With the kernel at the latest when anything else is asked of the volume, which then throws if the disk refuses. */
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#mustBeWell();
    this.#attempt(() => this.#run.add(fd, buffer, offset, length, position));
  }

  truncate(fd: number, length: number): void {
    this.#change(() => this.#io.truncate(fd, length));
  }

  fsync(fd: number): void {
    this.#change(() => this.#io.fsync(fd));
  }

  /** Makes created, renamed and removed names durable. Windows has no such call and does not need it. */
  fsyncDirectory(fd: number): void {
    if (process.platform !== 'win32') this.fsync(fd);
  }

  unlink(name: string): void {
    this.#change(() => this.#io.unlink(this.#path(name)), isAbsent);
  }

  stat(name: string): BigIntStats {
    return this.#ask(() => this.#io.stat(this.#path(name)), isAbsent);
  }

  lstat(name: string): BigIntStats {
    return this.#ask(() => this.#io.lstat(this.#path(name)), isAbsent);
  }

  fstat(fd: number): BigIntStats {
    return this.#ask(() => this.#io.fstat(fd));
  }

  #path(name: string): string {
    return name === '' ? this.directory : join(this.directory, this.#guard.nameOnDisk(name));
  }

  #change<Result>(call: () => Result, isAnswer?: (error: Error) => boolean): Result {
    this.#mustBeWell();
    return this.#ask(call, isAnswer);
  }

  #ask<Result>(call: () => Result, isAnswer?: (error: Error) => boolean): Result {
    this.#flush();
    return this.#attempt(call, isAnswer);
  }

  #flush(): void {
    if (this.#failure === null) this.#attempt(() => this.#run.flush());
    else this.#run.drop();
  }

  #mustBeWell(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** `isAnswer`: the error is what SQLite wanted to know, not a failure of the disk. */
  #attempt<Result>(call: () => Result, isAnswer: (error: Error) => boolean = () => false): Result {
    try {
      return call();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (!isAnswer(failure)) this.#failure ??= failure;
      throw failure;
    }
  }
}

function isAbsent(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOENT';
}
