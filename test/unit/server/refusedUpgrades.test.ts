import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { tooMany } from '../../../src/engine/server/problem.ts';
import { refuseUpgrade } from '../../../src/engine/server/refuseUpgrade.ts';
import { ServedApi } from '../../support/servedApi.ts';

const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

/** A client that keeps its side open whatever the server does. */
function leftOpen(api: ServedApi, sends: string): Socket {
  const socket = connect({ port: api.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  sockets.add(socket);
  socket.write(sends);
  return socket;
}

const withoutToken = (api: ServedApi): string =>
  `GET /api/board/ws HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;

/** The status and `Retry-After` of an upgrade that is refused. */
async function refusal(api: ServedApi): Promise<readonly [number | undefined, string | undefined]> {
  const call = request({
    host: '127.0.0.1',
    port: api.port,
    path: '/api/board/ws',
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
    agent: false,
  });
  call.end();
  const [{ statusCode, headers }] = (await once(call, 'response')) as [IncomingMessage];
  return [statusCode, headers['retry-after']];
}

describe('a refused upgrade', () => {
  test('takes no place of others, though the client leaves it open', async () => {
    const connections = 3;
    const api = await ServedApi.open({ limits: { connections } });
    for (let count = 0; count < 2 * connections; count += 1) {
      const socket = leftOpen(api, withoutToken(api));
      socket.resume();
      await vi.waitFor(() => expect(socket.readableEnded || socket.destroyed).toBe(true));
    }
    await vi.waitFor(async () => expect((await fetch(`${api.url}/api/health`)).status).toBe(200));
  });

  test('holds up no closing, though the client leaves it open', async () => {
    const api = await ServedApi.open();
    const socket = leftOpen(api, withoutToken(api));
    socket.resume();
    await once(socket, 'end');
    await api.close();
  });

  test('is let go behind earlier answers that the client does not read', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stuck = new Duplex({ read: () => undefined, write: () => undefined });
    stuck.write('an earlier answer');
    refuseUpgrade(stuck, tooMany(), 30);
    expect(stuck.destroyed).toBe(false);
    vi.runAllTimers();
    expect(stuck.destroyed).toBe(true);
  });

  test('is counted with the refused requests', async () => {
    const api = await ServedApi.open({ limits: { refusalsPerMinute: 2 } });
    expect(await refusal(api)).toEqual([401, undefined]);
    expect(await refusal(api)).toEqual([401, undefined]);
    expect(await refusal(api)).toEqual([429, expect.stringMatching(/^[1-9]\d?$/)]);
    expect((await fetch(`${api.url}/api/orchestrator/status`)).status).toBe(429);
    expect((await api.fetch('/api/orchestrator/status')).status).toBe(200);
  });
});
