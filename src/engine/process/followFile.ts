import type { FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DirectoryWatch } from './directoryWatch.ts';
import { openRegular } from './readTail.ts';

/** Memory for one read; a reader that lags behind a big file costs this much and no more. */
const chunkBytes = 1024 * 1024;

export interface FollowOptions {
  /** Byte offset to start at. */
  readonly from: number;
  /** Once it settles, either way, the file is read to its end and the iteration finishes. */
  readonly until: Promise<unknown>;
  /** Aborting finishes the iteration quietly, without the rest. */
  readonly signal: AbortSignal;
}

/** The bytes of a growing file as they are appended, each exactly once. The file need not exist yet; its directory must. */
export async function* followFile(path: string, options: FollowOptions): AsyncGenerator<Buffer, void, void> {
  const { signal } = options;
  const directory = new DirectoryWatch(dirname(path), [basename(path)], signal);
  let complete = false;
  const finish = (): void => {
    complete = true;
    directory.nudge();
  };
  options.until.then(finish, finish);

  let file: FileHandle | undefined;
  let offset = options.from;
  try {
    for (;;) {
      // Asked before reading: what was written before the end is then certainly read.
      const last = complete;
      file ??= (await openRegular(path)) ?? undefined;
      while (file !== undefined && !signal.aborted) {
        const chunk = await readAt(file, offset);
        if (chunk.length === 0 || signal.aborted) break;
        offset += chunk.length;
        yield chunk;
      }
      if (last || signal.aborted) return;
      await directory.next();
    }
  } finally {
    directory.close();
    await file?.close();
  }
}

async function readAt(file: FileHandle, offset: number): Promise<Buffer> {
  const available = Math.min((await file.stat()).size - offset, chunkBytes);
  if (available <= 0) return Buffer.alloc(0);
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(available), 0, available, offset);
  return buffer.subarray(0, bytesRead);
}
