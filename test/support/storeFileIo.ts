import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import type { FileIo } from '../../src/engine/store/sqljs/fileIo.ts';

class RealFileIo implements FileIo {
  open(path: string, flags: number, mode: number): number {
    return nodeFileIo.open(path, flags, mode);
  }

  close(fd: number): void {
    nodeFileIo.close(fd);
  }

  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return nodeFileIo.read(fd, buffer, offset, length, position);
  }

  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return nodeFileIo.write(fd, buffer, offset, length, position);
  }

  truncate(fd: number, length: number): void {
    nodeFileIo.truncate(fd, length);
  }

  fsync(fd: number): void {
    nodeFileIo.fsync(fd);
  }

  unlink(path: string): void {
    nodeFileIo.unlink(path);
  }

  stat(path: string): ReturnType<FileIo['stat']> {
    return nodeFileIo.stat(path);
  }

  lstat(path: string): ReturnType<FileIo['lstat']> {
    return nodeFileIo.lstat(path);
  }

  fstat(fd: number): ReturnType<FileIo['fstat']> {
    return nodeFileIo.fstat(fd);
  }
}

/** The real file system, with what is asked of it counted. */
export class CountingFileIo extends RealFileIo {
  bytesWritten = 0;
  writes = 0;
  syncs = 0;
  /** Neither a write nor a sync. */
  others: string[] = [];

  override open(path: string, flags: number, mode: number): number {
    this.others.push('open');
    return super.open(path, flags, mode);
  }

  override close(fd: number): void {
    this.others.push('close');
    super.close(fd);
  }

  override read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.others.push('read');
    return super.read(fd, buffer, offset, length, position);
  }

  override truncate(fd: number, length: number): void {
    this.others.push('truncate');
    super.truncate(fd, length);
  }

  override unlink(path: string): void {
    this.others.push('unlink');
    super.unlink(path);
  }

  override stat(path: string): ReturnType<FileIo['stat']> {
    this.others.push('stat');
    return super.stat(path);
  }

  override lstat(path: string): ReturnType<FileIo['lstat']> {
    this.others.push('lstat');
    return super.lstat(path);
  }

  override fstat(fd: number): ReturnType<FileIo['fstat']> {
    this.others.push('fstat');
    return super.fstat(fd);
  }

  override write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const written = super.write(fd, buffer, offset, length, position);
    this.bytesWritten += written;
    this.writes += 1;
    return written;
  }

  override fsync(fd: number): void {
    super.fsync(fd);
    this.syncs += 1;
  }
}

export type FailingCall = 'open' | 'write' | 'truncate' | 'fsync' | 'read' | 'stat';

/** A disk that recovers after one failure, or stays as it is. */
export type Failing = 'once' | 'from then on';

/** The real file system, until the `n`th call of a kind from now: that one fails, a write after half of its bytes. */
export class FailingFileIo extends RealFileIo {
  #armed: {
    readonly call: FailingCall;
    readonly code: string;
    readonly failing: Failing;
    left: number;
  } | null = null;
  fired = 0;

  fail(call: FailingCall, code: string, n = 1, failing: Failing = 'once'): void {
    this.#armed = { call, code, failing, left: n };
  }

  disarm(): void {
    this.#armed = null;
  }

  override open(path: string, flags: number, mode: number): number {
    this.#pass('open');
    return super.open(path, flags, mode);
  }

  override read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.#pass('read');
    return super.read(fd, buffer, offset, length, position);
  }

  override write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.#pass('write', () => super.write(fd, buffer, offset, length >> 1, position));
    return super.write(fd, buffer, offset, length, position);
  }

  override truncate(fd: number, length: number): void {
    this.#pass('truncate');
    super.truncate(fd, length);
  }

  override fsync(fd: number): void {
    this.#pass('fsync');
    super.fsync(fd);
  }

  override stat(path: string): ReturnType<FileIo['stat']> {
    this.#pass('stat');
    return super.stat(path);
  }

  #pass(call: FailingCall, before: () => void = () => {}): void {
    if (this.#armed?.call !== call) return;
    this.#armed.left -= 1;
    const { code, failing, left } = this.#armed;
    if (failing === 'once' ? left !== 0 : left > 0) return;
    this.fired += 1;
    before();
    throw Object.assign(new Error(`${code}: injected into ${call}`), { code });
  }
}

/** A disk that takes less than it is given, without an error: POSIX lets it. */
export class ShortWritingFileIo extends RealFileIo {
  cut = 0;

  override write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    if (length < 2) return super.write(fd, buffer, offset, length, position);
    this.cut += 1;
    return super.write(fd, buffer, offset, length >> 1, position);
  }
}
