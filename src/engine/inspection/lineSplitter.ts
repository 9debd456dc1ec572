/** A file that the agent writes is one line of its size; of a longer line only that it was there is told. */
const longestLineBytes = 16 * 1024 * 1024;

const newline = 0x0a;

/** Bytes in whatever chunks to lines with their place in the file. */
export class LineSplitter {
  private pieces: Buffer[] = [];
  private length = 0;
  private start: number;

  /** `offset`: where the first chunk begins; a line must begin there. */
  constructor(offset: number) {
    this.start = offset;
  }

  *push(chunk: Buffer): Generator<{ readonly text: string; readonly offset: number }> {
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      this.hold(chunk.subarray(from, end));
      yield this.finish(1);
      from = end + 1;
    }
    this.hold(chunk.subarray(from));
  }

  /** The last line, if it has no end. */
  *end(): Generator<{ readonly text: string; readonly offset: number }> {
    if (this.length > 0) yield this.finish(0);
  }

  private hold(piece: Buffer): void {
    this.length += piece.length;
    if (this.length > longestLineBytes) this.pieces = [];
    else if (piece.length > 0) this.pieces.push(piece);
  }

  private finish(endLength: number): { readonly text: string; readonly offset: number } {
    const text =
      this.length > longestLineBytes
        ? `(a line of ${Math.round(this.length / 2 ** 20)} MB)`
        : Buffer.concat(this.pieces).toString('utf8');
    const offset = this.start;
    this.start += this.length + endLength;
    this.pieces = [];
    this.length = 0;
    return { text, offset };
  }
}
