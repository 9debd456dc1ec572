import { StringDecoder } from 'node:string_decoder';

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

/** The values of a stream of JSON texts, one a line. */
export async function* readJsonLines(stream: NodeJS.ReadableStream): AsyncGenerator {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
