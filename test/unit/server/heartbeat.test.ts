import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EventClient } from '../../../src/engine/server/events/eventClient.ts';
import { Heartbeat } from '../../../src/engine/server/events/heartbeat.ts';

/** A stream with nothing to say, and what its client has got. */
async function quietStream(
  beat: Heartbeat,
): Promise<{ readonly got: () => string; readonly closed: () => boolean }> {
  const server = createServer((_request, response: ServerResponse) =>
    beat.add(new EventClient(response, {}, 1_000)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('close', () => (isClosed = true));
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return { got: () => text, closed: () => isClosed };
}

test('a stream begins with when to come back, is kept alive by comments, and ends in good order', async () => {
  const beat = new Heartbeat(5);
  const { got, closed } = await quietStream(beat);
  await vi.waitFor(() => expect(got().match(/\r\n:\n\n\r\n/g)?.length ?? 0).toBeGreaterThanOrEqual(3));
  expect(got()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(got()).toContain('content-type: text/event-stream; charset=utf-8\r\n');
  expect(got().split('\r\n\r\n')[1]).toMatch(/^[0-9a-f]+\r\nretry: 1000\n\n/);
  expect(beat.size).toBe(1);
  beat.close();
  await vi.waitFor(() => expect(closed()).toBe(true));
  expect(got().endsWith('0\r\n\r\n')).toBe(true);
  expect(beat.size).toBe(0);
});
