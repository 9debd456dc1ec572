import type { Socket } from 'node:net';

/** No message comes near it; what does is not ours. */
const longestLine = 256 * 1024 * 1024;

/**
 * Calls back with each whole line. A line cut off by the other side's end is dropped, where Node's readline would hand it
 * out; and errors of the socket stay the socket's, where readline would throw them anew.
 */
export function onLines(socket: Socket, listener: (line: string) => void): void {
  let pieces: string[] = [];
  let length = 0;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      pieces.push(chunk.slice(start, end));
      const line = pieces.join('');
      pieces = [];
      length = 0;
      start = end + 1;
      listener(line);
    }
    pieces.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > longestLine) socket.destroy(new Error('a line without an end'));
  });
}
