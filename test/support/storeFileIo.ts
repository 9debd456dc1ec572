import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import type { FileIo } from '../../src/engine/store/sqljs/fileIo.ts';

/** The real file system, with the bytes written and the syncs counted. */
export class CountingFileIo implements FileIo {
  bytesWritten = 0;
  syncs = 0;
  open = nodeFileIo.open;
  close = nodeFileIo.close;
  read = nodeFileIo.read;
  truncate = nodeFileIo.truncate;
  unlink = nodeFileIo.unlink;
  stat = nodeFileIo.stat;
  lstat = nodeFileIo.lstat;
  fstat = nodeFileIo.fstat;

  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const written = nodeFileIo.write(fd, buffer, offset, length, position);
    this.bytesWritten += written;
    return written;
  }

  fsync(fd: number): void {
    nodeFileIo.fsync(fd);
    this.syncs += 1;
  }
}

export type FailingCall = 'write' | 'truncate' | 'fsync' | 'read' | 'stat';

/** The real file system, until the `n`th call of a kind from now: that one fails, a write after half of its bytes. */
export class FailingFileIo implements FileIo {
  #armed: { readonly call: FailingCall; readonly code: string; left: number } | null = null;
  fired = 0;
  open = nodeFileIo.open;
  close = nodeFileIo.close;
  unlink = nodeFileIo.unlink;
  lstat = nodeFileIo.lstat;
  fstat = nodeFileIo.fstat;

  fail(call: FailingCall, code: string, n = 1): void {
    this.#armed = { call, code, left: n };
  }

  disarm(): void {
    this.#armed = null;
  }

  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.#pass('read');
    return nodeFileIo.read(fd, buffer, offset, length, position);
  }

  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.#pass('write', () => nodeFileIo.write(fd, buffer, offset, length >> 1, position));
    return nodeFileIo.write(fd, buffer, offset, length, position);
  }

  truncate(fd: number, length: number): void {
    this.#pass('truncate');
    nodeFileIo.truncate(fd, length);
  }

  fsync(fd: number): void {
    this.#pass('fsync');
    nodeFileIo.fsync(fd);
  }

  stat(path: string): ReturnType<FileIo['stat']> {
    this.#pass('stat');
    return nodeFileIo.stat(path);
  }

  #pass(call: FailingCall, before: () => void = () => {}): void {
    if (this.#armed?.call !== call) return;
    this.#armed.left -= 1;
    if (this.#armed.left !== 0) return;
    const { code } = this.#armed;
    this.fired += 1;
    before();
    throw Object.assign(new Error(`${code}: injected into ${call}`), { code });
  }
}
