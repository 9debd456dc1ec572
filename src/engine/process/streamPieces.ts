/** How a line of Claude Code's output begins that holds a piece of what comes whole, in a line of its own, later. */
export const pieceStart = '{"type":"stream_event",';

/** What stays of it: a sign of life. */
export const pieceMark = '{"type":"stream_event"}';

const start = Buffer.from(pieceStart);
const mark = Buffer.from(pieceMark);
const newline = 0x0a;

/**
 * Cuts such lines of a byte stream down, whatever its chunks: a secret that the model says comes in pieces, none of which
 * can be known for a part of it.
 */
export class PieceCutter {
  /** The beginning of a line that may become a piece's. */
  private held: Buffer = Buffer.alloc(0);
  private line: 'begins' | 'passes' | 'is-cut' = 'begins';

  push(chunk: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.line === 'begins') at = this.begin(chunk, at, parts);
      else at = this.goOn(chunk, at, parts);
    }
    return Buffer.concat(parts);
  }

  end(): Buffer {
    const rest = this.held;
    this.held = Buffer.alloc(0);
    return rest;
  }

  private begin(chunk: Buffer, at: number, parts: Buffer[]): number {
    const wanted = start.subarray(this.held.length);
    const next = chunk.subarray(at, at + wanted.length);
    if (!next.equals(wanted.subarray(0, next.length))) {
      this.line = 'passes';
      parts.push(this.end());
      return at;
    }
    this.held = Buffer.concat([this.held, next]);
    if (next.length === wanted.length) {
      this.line = 'is-cut';
      this.held = Buffer.alloc(0);
      parts.push(mark);
    }
    return at + next.length;
  }

  private goOn(chunk: Buffer, at: number, parts: Buffer[]): number {
    const end = chunk.indexOf(newline, at);
    const next = end === -1 ? chunk.length : end + 1;
    if (this.line === 'passes') parts.push(chunk.subarray(at, next));
    else if (end !== -1) parts.push(chunk.subarray(end, next));
    if (end !== -1) this.line = 'begins';
    return next;
  }
}
