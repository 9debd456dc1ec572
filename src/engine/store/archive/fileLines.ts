import { readSync } from 'node:fs';
import { OrchestratorError } from '../../ports/errors.ts';

const chunkSize = 1024 * 1024;

/** No line that we write comes near it: a context of this size would not have fitted into a message either. */
const longestLine = 256 * 1024 * 1024;

const lineFeed = 0x0a;

/** The lines of a file without their line feeds, as bytes; a last line that was not ended is told apart. Constant memory. */
export function* fileLines(
  fd: number,
): Generator<{ readonly bytes: Buffer; readonly isEnded: boolean }, void> {
  let pieces: Buffer[] = [];
  let length = 0;
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(chunkSize);
    const read = readSync(fd, chunk, 0, chunkSize, position);
    if (read === 0) break;
    position += read;
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0 && end < read; end = chunk.indexOf(lineFeed, start)) {
      const last = chunk.subarray(start, end);
      yield { bytes: pieces.length === 0 ? last : Buffer.concat([...pieces, last]), isEnded: true };
      pieces = [];
      length = 0;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start, read));
    length += read - start;
    if (length > longestLine) throw new OrchestratorError('bad-input', 'It has a line of more than 256 MB.');
  }
  if (length > 0) yield { bytes: Buffer.concat(pieces), isEnded: false };
}
