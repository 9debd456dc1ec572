import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';

/** Every byte of the database goes through these calls, so a test can count them or make them fail. */
export interface FileIo {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): void;
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  truncate(fd: number, length: number): void;
  fsync(fd: number): void;
  unlink(path: string): void;
  stat(path: string): BigIntStats;
  lstat(path: string): BigIntStats;
  fstat(fd: number): BigIntStats;
}

/** Node's synchronous file system. */
export const nodeFileIo: FileIo = {
  open: (path, flags, mode) => openSync(path, flags, mode),
  close: (fd) => closeSync(fd),
  read: (fd, buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
  write: (fd, buffer, offset, length, position) => writeSync(fd, buffer, offset, length, position),
  truncate: (fd, length) => ftruncateSync(fd, length),
  fsync: (fd) => fsyncSync(fd),
  unlink: (path) => unlinkSync(path),
  stat: (path) => statSync(path, { bigint: true }),
  lstat: (path) => lstatSync(path, { bigint: true }),
  fstat: (fd) => fstatSync(fd, { bigint: true }),
};
