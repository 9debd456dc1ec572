/** A piece of a command's output. */
export interface OutputFrame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/** Parts the two streams Docker sends over one connection: frames of an 8-byte header (stream, length) and data. */
export async function* readFrames(stream: AsyncIterable<string | Buffer>): AsyncGenerator<OutputFrame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, Buffer.from(chunk as Buffer)]);
    while (rest.length >= 8) {
      const end = 8 + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: rest[0] === 2 ? 'stderr' : 'stdout', data: rest.subarray(8, end) };
      rest = rest.subarray(end);
    }
  }
}
