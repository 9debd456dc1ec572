import { openRegular } from '../../process/readTail.ts';
import { followFile } from '../../process/followFile.ts';
import type { Mask } from '../mask.ts';
import type { EventClient } from './eventClient.ts';
import { frameOf } from './frames.ts';

/** Text of one event: a page draws it at once. */
const longestText = 64 * 1024;

const newline = 0x0a;

export interface OutputStreamOptions {
  readonly path: string;
  /** Byte offset to begin at. */
  readonly from: number;
  readonly mask: Mask;
  /** Settles when the run has ended. */
  readonly until: Promise<unknown>;
}

/**
 * Sends what an agent writes, as it writes it: events `output` under the offset of the byte after them, at last `end`. It
 * is read from the file as fast as the client takes it, so a slow one costs nothing.
 */
export async function streamOutput(client: EventClient, options: OutputStreamOptions): Promise<void> {
  const { path, from, mask, until } = options;
  const gone = new AbortController();
  client.onClose(() => gone.abort());
  // A secret may begin before the place that was asked for.
  let start = Math.max(0, from - mask.margin);
  let sent = from;
  let held: Buffer = Buffer.alloc(0);
  const send = async (limit: number): Promise<void> => {
    const masked = mask.apply(held);
    const end = start + limit;
    while (sent < end && !client.isOver) {
      const piece = pieceOf(masked.subarray(sent - start, limit), longestText);
      client.write(frameOf('output', { offset: sent, text: piece.toString('utf8') }, sent + piece.length));
      sent += piece.length;
      await client.drained();
    }
    const kept = Math.max(start, Math.min(sent, end) - mask.margin);
    held = Buffer.from(held.subarray(kept - start));
    start = kept;
  };
  for await (const chunk of followFile(path, { from: start, until, signal: gone.signal })) {
    held = Buffer.concat([held, chunk]);
    const decided = held.length - mask.openEnd(held);
    await send(wholeCharacters(held, decided));
  }
  if (client.isOver) return;
  await send(held.length);
  client.write(frameOf('end', { offset: sent }, sent));
  client.end();
}

/** Bytes of a run's output, without secrets; `total` is the file's size now. Null when there is no file. */
export async function readOutput(
  path: string,
  mask: Mask,
  range: (total: number) => { readonly from: number; readonly to: number },
): Promise<{ readonly bytes: Buffer; readonly from: number; readonly total: number } | null> {
  const file = await openRegular(path);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const { from, to } = range(size);
    const start = Math.max(0, from - mask.margin);
    const length = Math.min(size, to + mask.margin) - start;
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(0, length)),
      0,
      Math.max(0, length),
      start,
    );
    const bytes = mask.apply(buffer.subarray(0, bytesRead)).subarray(from - start, to - start);
    return { bytes, from, total: size };
  } finally {
    await file.close();
  }
}

/** At most so much, to the end of a line where there is one, and never a part of a character. */
function pieceOf(bytes: Buffer, longest: number): Buffer {
  if (bytes.length <= longest) return bytes;
  const line = bytes.lastIndexOf(newline, longest - 1);
  return bytes.subarray(0, line > 0 ? line + 1 : wholeCharacters(bytes, longest));
}

/** The place at or before `end` where a character of UTF-8 begins. */
function wholeCharacters(bytes: Buffer, end: number): number {
  for (let back = 1; back <= Math.min(4, end); back += 1) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? end - back : end;
  }
  return end;
}
