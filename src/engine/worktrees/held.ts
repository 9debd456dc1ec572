import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  type Stats,
} from 'node:fs';

/** Linux's: opens what may not be read either, and nothing of a device or a pipe. */
const O_PATH = 0o10000000;

const descriptors = '/proc/self/fd';
const hasDescriptors = process.platform === 'linux' && existsSync(descriptors);

/** A file or folder that is held on to: a program that goes on in a worktree could put a link in its place, or in that of a folder above it. */
export interface Held {
  /** Leads to it and to nothing else, whatever is at its place by now. Where there is no `/proc`: its place. */
  readonly path: Buffer;
  /** Of itself, should it be a link. */
  readonly status: Stats;
  /** Where it is: what it leads to was reached through links if this is another path. */
  readonly place: Buffer;
  release(): void;
}

/**
 * Null for nothing, and for what the person may not reach. Synchronous: it takes microseconds, and the thread pool would
 * make a walk through a large tree several times as long.
 */
export function hold(path: Buffer): Held | null {
  try {
    if (!hasDescriptors) return { path, status: lstatSync(path), place: path, release() {} };
    const descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW);
    const held = Buffer.from(`${descriptors}/${descriptor}`);
    return {
      path: held,
      status: fstatSync(descriptor),
      place: readlinkSync(held, 'buffer'),
      release: () => closeSync(descriptor),
    };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
