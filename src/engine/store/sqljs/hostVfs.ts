import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { Volume } from './volume.ts';
import type { WasmMemory } from './webAssembly.ts';

/** A libc call as the wasm makes it: pointers, descriptors and flags as numbers, 64-bit values as bigint. */
export type Syscall = (...args: (number | bigint)[]) => number;

interface OpenFile {
  readonly volume: Volume;
  readonly fd: number;
  readonly isDirectory: boolean;
  position: number;
}

const mountPoint = '/vol/';

// Far above any descriptor Emscripten's own file system hands out.
const firstDescriptor = 0x10000;

// Errno and open flags as musl numbers them inside the wasm.
const errnos: Readonly<Record<string, number>> = {
  EACCES: 2,
  EAGAIN: 6,
  EBADF: 8,
  EBUSY: 10,
  EDQUOT: 19,
  EEXIST: 20,
  EFBIG: 22,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  ENAMETOOLONG: 37,
  ENFILE: 41,
  ENODEV: 43,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSPC: 51,
  ENOTDIR: 54,
  EPERM: 63,
  EROFS: 69,
};
const errno = { access: 2, badDescriptor: 8, invalid: 28, io: 29, noDevice: 43 } as const;
const openFlag = {
  accessMode: 3,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  noFollow: 0o400000,
} as const;
const fcntl = {
  getFd: 1,
  setFd: 2,
  getFlags: 3,
  setFlags: 4,
  getLock: 12,
  setLock: 13,
  setLockWait: 14,
} as const;
const unlocked = 2;

/**
 * Sends the file calls of SQLite's own unix VFS inside the wasm to directories of the host. Paths below `/vol/<n>/`
 * and the descriptors opened there go to the mounted volume; everything else stays with Emscripten. SQLite's unmodified
 * pager and rollback journal so drive the real file, page by page, with true fsync.
 */
export class HostVfs {
  readonly #volumes = new Map<number, Volume>();
  readonly #files = new Map<number, OpenFile>();
  #nextVolume = 1;
  #nextDescriptor = firstDescriptor;
  #memory: WasmMemory | undefined;
  #bytes = new Uint8Array();
  #view = new DataView(this.#bytes.buffer);

  /** Makes the volume visible; returns the prefix of its paths. */
  mount(volume: Volume): string {
    const number = this.#nextVolume++;
    this.#volumes.set(number, volume);
    return `${mountPoint}${number}/`;
  }

  /** Also closes what SQLite left open after a failure. */
  unmount(volume: Volume): void {
    for (const [descriptor, file] of this.#files) {
      if (file.volume !== volume) continue;
      this.#files.delete(descriptor);
      volume.close(file.fd);
    }
    for (const [number, mounted] of this.#volumes) if (mounted === volume) this.#volumes.delete(number);
  }

  /** The memory of the instance whose imports were wrapped. */
  attachMemory(memory: WasmMemory): void {
    this.#memory = memory;
  }

  /** The calls to put in place of `original`, by name. */
  syscalls(original: (name: string) => Syscall): ReadonlyMap<string, Syscall> {
    const calls = new Map<string, Syscall>();
    const onPath = (name: string, pathAt: number, call: PathCall): void => {
      const emscripten = original(name);
      calls.set(name, (...args) => {
        const path = this.#volumePath(this.#text(Number(args[pathAt])));
        return path === null ? emscripten(...args) : answer(negative, () => call(path, args.map(Number)));
      });
    };
    const onFile = (name: string, call: FileCall, sign: Sign): void => {
      const emscripten = original(name);
      calls.set(name, (...args) => {
        const descriptor = Number(args[0]);
        if (descriptor < firstDescriptor) return emscripten(...args);
        const file = this.#files.get(descriptor);
        if (file === undefined) return sign * errno.badDescriptor;
        return answer(sign, () => call(file, args.map(Number)));
      });
    };
    this.#pathCalls(onPath);
    this.#fileCalls(onFile);
    const mapMemory = original('_mmap_js');
    calls.set('_mmap_js', (...args) =>
      Number(args[3]) >= firstDescriptor ? -errno.noDevice : mapMemory(...args),
    );
    return calls;
  }

  #pathCalls(on: (name: string, pathAt: number, call: PathCall) => void): void {
    on('__syscall_openat', 1, (path, args) => this.#open(path, at(args, 2)));
    on('__syscall_stat64', 0, ({ volume, name }, args) => this.#putStat(at(args, 1), volume.stat(name)));
    on('__syscall_lstat64', 0, ({ volume, name }, args) => this.#putStat(at(args, 1), volume.lstat(name)));
    on('__syscall_newfstatat', 1, ({ volume, name }, args) => this.#putStat(at(args, 2), volume.stat(name)));
    on('__syscall_faccessat', 1, ({ volume, name }) => {
      volume.stat(name);
      return 0;
    });
    on('__syscall_unlinkat', 1, ({ volume, name }) => {
      volume.unlink(name);
      return 0;
    });
    // Seen from inside there are no links.
    on('__syscall_readlinkat', 1, () => -errno.invalid);
    on('__syscall_mkdirat', 1, () => -errno.access);
    on('__syscall_rmdir', 0, () => -errno.access);
    on('__syscall_chmod', 0, () => 0);
    on('__syscall_utimensat', 1, () => 0);
  }

  #fileCalls(on: (name: string, call: FileCall, sign: Sign) => void): void {
    on('__syscall_fchmod', () => 0, negative);
    on('__syscall_fchown32', () => 0, negative);
    on('__syscall_fstat64', ({ volume, fd }, args) => this.#putStat(at(args, 1), volume.fstat(fd)), negative);
    on(
      '__syscall_ftruncate64',
      ({ volume, fd }, args) => {
        volume.truncate(fd, at(args, 1));
        return 0;
      },
      negative,
    );
    on('__syscall_fcntl64', (_file, args) => this.#fcntl(at(args, 1), at(args, 2)), negative);
    on('fd_close', (file, args) => this.#close(file, at(args, 0)), positive);
    on('fd_sync', (file) => this.#sync(file), positive);
    on('fd_fdstat_get', (file, args) => this.#descriptorStat(file, at(args, 1)), positive);
    on('fd_seek', (file, args) => this.#seek(file, at(args, 1), at(args, 2), at(args, 3)), positive);
    on(
      'fd_read',
      (file, args) => this.#transfer(file, args, (...range) => file.volume.read(file.fd, ...range)),
      positive,
    );
    on(
      'fd_write',
      (file, args) =>
        this.#transfer(file, args, (buffer, offset, length, position) => {
          file.volume.write(file.fd, buffer, offset, length, position);
          return length;
        }),
      positive,
    );
  }

  #open({ volume, name }: VolumePath, flags: number): number {
    const isDirectory = name === '';
    const fd = isDirectory ? volume.openDirectory() : volume.open(name, hostFlags(flags));
    const descriptor = this.#nextDescriptor++;
    this.#files.set(descriptor, { volume, fd, isDirectory, position: 0 });
    return descriptor;
  }

  #close(file: OpenFile, descriptor: number): number {
    this.#files.delete(descriptor);
    file.volume.close(file.fd);
    return 0;
  }

  #sync({ volume, fd, isDirectory }: OpenFile): number {
    if (isDirectory) volume.fsyncDirectory(fd);
    else volume.fsync(fd);
    return 0;
  }

  /** Locks are granted always: the writer lock keeps other processes out, the journal guard other programs. */
  #fcntl(command: number, varargs: number): number {
    switch (command) {
      case fcntl.getFd:
      case fcntl.setFd:
      case fcntl.setFlags:
      case fcntl.setLock:
      case fcntl.setLockWait:
        return 0;
      case fcntl.getFlags:
        return constants.O_RDWR;
      case fcntl.getLock:
        this.#refresh();
        this.#view.setInt16(this.#view.getUint32(varargs, true), unlocked, true);
        return 0;
      default:
        return -errno.invalid;
    }
  }

  #descriptorStat(file: OpenFile, pointer: number): number {
    this.#refresh();
    this.#view.setUint8(pointer, file.isDirectory ? 3 : 4);
    this.#view.setUint16(pointer + 2, 0, true);
    this.#view.setBigInt64(pointer + 8, 0n, true);
    this.#view.setBigInt64(pointer + 16, 0n, true);
    return 0;
  }

  #seek(file: OpenFile, offset: number, whence: number, resultPointer: number): number {
    const base = whence === 0 ? 0 : whence === 1 ? file.position : Number(file.volume.fstat(file.fd).size);
    if (base + offset < 0) return errno.invalid;
    file.position = base + offset;
    this.#refresh();
    this.#view.setBigInt64(resultPointer, BigInt(file.position), true);
    return 0;
  }

  /** Scatter/gather over the vector of (pointer, length) pairs, as fd_read and fd_write define it. */
  #transfer(file: OpenFile, args: readonly number[], move: Move): number {
    this.#refresh();
    const [vector, count, totalPointer] = [at(args, 1), at(args, 2), at(args, 3)];
    let total = 0;
    for (let index = 0; index < count; index++) {
      const pointer = this.#view.getUint32(vector + index * 8, true);
      const length = this.#view.getUint32(vector + index * 8 + 4, true);
      if (length === 0) continue;
      const moved = move(this.#bytes, pointer, length, file.position);
      file.position += moved;
      total += moved;
      if (moved < length) break;
    }
    this.#view.setUint32(totalPointer, total, true);
    return 0;
  }

  /** Emscripten's `struct stat` for wasm32. */
  #putStat(pointer: number, stat: BigIntStats): number {
    this.#refresh();
    const view = this.#view;
    view.setUint32(pointer, Number(BigInt.asUintN(32, stat.dev)), true);
    view.setUint32(pointer + 4, Number(stat.mode), true);
    view.setUint32(pointer + 8, Number(stat.nlink), true);
    for (const field of [12, 16, 20]) view.setUint32(pointer + field, 0, true);
    view.setBigInt64(pointer + 24, stat.size, true);
    view.setInt32(pointer + 32, 4096, true);
    view.setInt32(pointer + 36, Number(BigInt.asIntN(32, stat.blocks)), true);
    for (const field of [40, 56, 72]) {
      view.setBigInt64(pointer + field, stat.mtimeMs / 1000n, true);
      view.setUint32(pointer + field + 8, Number(stat.mtimeMs % 1000n) * 1_000_000, true);
    }
    view.setBigInt64(pointer + 88, BigInt.asIntN(64, stat.ino), true);
    return 0;
  }

  #volumePath(path: string): VolumePath | null {
    const match = /^\/vol\/(\d+)(?:\/([^/]*))?$/.exec(path);
    const volume = this.#volumes.get(Number(match?.[1]));
    return volume === undefined ? null : { volume, name: match?.[2] ?? '' };
  }

  #text(pointer: number): string {
    this.#refresh();
    return Buffer.from(this.#bytes.subarray(pointer, this.#bytes.indexOf(0, pointer))).toString('utf8');
  }

  /** The wasm's memory gets a new buffer whenever it grows. */
  #refresh(): void {
    if (this.#memory === undefined) throw new Error('SQLite called before its memory was attached');
    if (this.#memory.buffer === this.#bytes.buffer) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }
}

interface VolumePath {
  readonly volume: Volume;
  /** Empty for the directory itself. */
  readonly name: string;
}

type PathCall = (path: VolumePath, args: readonly number[]) => number;
type FileCall = (file: OpenFile, args: readonly number[]) => number;
type Move = (buffer: Uint8Array, offset: number, length: number, position: number) => number;

/** `__syscall_*` answer an error as a negative errno. */
const negative = -1;
/** The `fd_*` calls of WASI answer it as it is. */
const positive = 1;
type Sign = typeof negative | typeof positive;

function answer(sign: Sign, call: () => number): number {
  try {
    return call();
  } catch (error) {
    // Not hidden: the volume keeps what matters, and SQLite reports it in its own words.
    const code = error instanceof Error && 'code' in error ? errnos[String(error.code)] : undefined;
    return sign * (code ?? errno.io);
  }
}

function hostFlags(flags: number): number {
  let host =
    [constants.O_RDONLY, constants.O_WRONLY, constants.O_RDWR][flags & openFlag.accessMode] ??
    constants.O_RDWR;
  if ((flags & openFlag.create) !== 0) host |= constants.O_CREAT;
  if ((flags & openFlag.exclusive) !== 0) host |= constants.O_EXCL;
  if ((flags & openFlag.truncate) !== 0) host |= constants.O_TRUNC;
  // Windows has no such flag.
  if ((flags & openFlag.noFollow) !== 0) host |= constants.O_NOFOLLOW ?? 0;
  return host;
}

function at(args: readonly number[], index: number): number {
  const value = args[index];
  if (value === undefined) throw new Error(`SQLite made a call with only ${args.length} arguments`);
  return value;
}
