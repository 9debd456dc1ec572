import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The last bytes of a file; empty when there is no such file, or something else in its place: programs in a container
 * can write to run directories, and a link or a pipe planted there must lead nowhere.
 */
export async function readTail(path: string, longest: number): Promise<Buffer> {
  const file = await openRegular(path);
  if (file === null) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, longest);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The text of a file; null when there is no such file, for something else in its place, and for more than so many bytes. */
export async function readSmall(path: string | Buffer, mostBytes: number): Promise<string | null> {
  const file = await openRegular(path);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    if (size > mostBytes) return null;
    // One more tells that it grows as it is read: a part of it must not pass for the whole.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size + 1), 0, size + 1, 0);
    return bytesRead > size ? null : buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Opens a regular file for reading, following no link; null for anything else, and for nothing. */
export async function openRegular(path: string | Buffer) {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ELOOP') return null;
      throw error;
    },
  );
  if (file === null) return null;
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return null;
}
