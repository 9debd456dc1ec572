import { messagesOf, type CliMessage } from './streamMessages.ts';

/** A file of megabytes that the agent writes is one line, twice. Beyond this something else is talking. */
const longestLineBytes = 256 * 1024 * 1024;

/** Enough of a strange line to tell what it is. */
const sampleLength = 500;

const newline = 0x0a;

/** The CLI's stream-json output, from bytes in whatever chunks to messages. Never throws on what it is fed. */
export class StreamParser {
  /** Pieces of a line without an end yet; joined only once, so that a huge line costs no more than its length. */
  private pieces: Buffer[] = [];
  private length = 0;

  push(chunk: Buffer): readonly CliMessage[] {
    const messages: CliMessage[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.hold(chunk.subarray(start, end));
      messages.push(...this.finishLine());
      start = end + 1;
    }
    this.hold(chunk.subarray(start));
    return messages;
  }

  /** The last line, if it has no end. */
  end(): readonly CliMessage[] {
    return this.finishLine();
  }

  private hold(piece: Buffer): void {
    this.length += piece.length;
    if (piece.length > 0 && this.length <= longestLineBytes) this.pieces.push(piece);
  }

  private finishLine(): readonly CliMessage[] {
    const isWhole = this.length <= longestLineBytes;
    const text = Buffer.concat(this.pieces).toString('utf8');
    this.pieces = [];
    this.length = 0;
    if (text.trim() === '') return [];
    const messages = isWhole ? parse(text) : null;
    return messages ?? [{ type: 'unparsed', text: text.slice(0, sampleLength) }];
  }
}

function parse(text: string): readonly CliMessage[] | null {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  return messagesOf(line);
}
