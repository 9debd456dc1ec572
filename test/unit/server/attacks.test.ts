import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ServedApi, testToken } from '../../support/servedApi.ts';

const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request with any headers: fetch forbids the interesting ones. */
function ask(
  api: ServedApi,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  options: { readonly method?: string; readonly body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: api.port, path, headers, method: options.method ?? 'GET', agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(options.body);
  });
}

function dial(api: ServedApi): Socket {
  const socket = connect(api.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  sockets.add(socket);
  return socket;
}

const bearer = { authorization: `Bearer ${testToken}` };

describe('a page of another site', () => {
  test.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[::1]',
    '0.0.0.0',
  ])('is not answered under the name "%s" (DNS rebinding), even with the token', async (host) => {
    const api = await ServedApi.open();
    for (const path of ['/api/orchestrator/status', '/api/health', '/', '/api/nothing']) {
      const answer = await ask(api, path, { ...bearer, host });
      expect([400, 421]).toContain(answer.status);
      expect(answer.body).not.toContain('active_tasks');
    }
  });

  test.each([
    'http://evil.example',
    'https://127.0.0.1',
    'null',
    'http://127.0.0.1:1',
    'http://localhost',
    'file://',
  ])('is refused from the origin %s, even with the token, and reads nothing', async (origin) => {
    const api = await ServedApi.open({ allowedOrigins: ['http://localhost:5173'] });
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await ask(api, '/api/orchestrator/status', { ...bearer, origin }, { method });
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    const socket = new WebSocket(`ws://127.0.0.1:${api.port}/api/board/ws?ticket=${await api.ticket()}`, {
      origin,
    });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('403');
  });

  test('is let in when its origin was listed, its own origin alone, and only with a token or ticket', async () => {
    const origin = 'http://localhost:5173';
    const api = await ServedApi.open({ allowedOrigins: [`${origin}/`] });
    const preflight = await ask(
      api,
      '/api/orchestrator/status',
      { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      { method: 'OPTIONS' },
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe(origin);
    const answer = await ask(api, '/api/orchestrator/status', { ...bearer, origin });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect((await ask(api, '/api/orchestrator/status', { origin })).status).toBe(401);
    const stream = await api.fetch(`/api/events/orchestrator?ticket=${await api.ticket()}`, {
      headers: { origin },
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe(origin);
    await stream.body?.cancel();
  });

  test.each([
    'http://evil.example',
    '*',
    'http://192.168.0.1:80',
    'localhost',
    'http://localhost:5173/path',
    'null',
  ])('cannot be allowed from elsewhere: %s is refused at the start', async (origin) => {
    await expect(ServedApi.open({ allowedOrigins: [origin] })).rejects.toThrow('no origin of this machine');
  });

  test('cannot make a move with a form', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(
        (
          await ask(
            api,
            `/api/orchestrator/tasks/${id}/accept`,
            { ...bearer, 'content-type': type },
            { method: 'POST', body: '{"strategy":"none"}' },
          )
        ).status,
      ).toBe(415);
  });
});

describe('without the token', () => {
  test('nothing is shown, at any address of the document, and nothing is moved', async () => {
    const api = await ServedApi.open();
    const document = (await api.json('/openapi.json')) as { paths: Record<string, Record<string, unknown>> };
    const addresses = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
    );
    expect(addresses.length).toBeGreaterThan(30);
    for (const [method, path] of addresses) {
      const expected = path === '/api/health' ? 200 : 401;
      for (const headers of [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: 'Bearer ' },
        { authorization: `Basic ${testToken}` },
        { authorization: `Bearer ${testToken}x` },
        { authorization: `Bearer ${testToken.slice(0, -1)}` },
      ]) {
        const answer = await ask(api, path, headers, { method });
        expect([method, path, answer.status]).toEqual([method, path, expected]);
      }
    }
  });

  test('a ticket opens streams and nothing else, and not after it is over', async () => {
    const api = await ServedApi.open();
    const ticket = await api.ticket();
    expect((await ask(api, `/api/orchestrator/status?ticket=${ticket}`)).status).toBe(401);
    expect((await ask(api, `/api/orchestrator/tasks?ticket=${ticket}`, {}, { method: 'POST' })).status).toBe(
      401,
    );
    expect((await ask(api, `/api/tickets?ticket=${ticket}`, {}, { method: 'POST' })).status).toBe(401);
    expect((await ask(api, '/api/events/orchestrator?ticket=made-up')).status).toBe(401);
    expect((await ask(api, `/api/events/orchestrator?ticket=${testToken}`)).status).toBe(401);
  });

  test('a socket is refused, at an address that is none too', async () => {
    const api = await ServedApi.open();
    for (const [path, status] of [
      ['/api/board/ws', '401'],
      ['/api/tasks/stream/ws?project_id=x', '401'],
      ['/api/board/ws?ticket=made-up', '401'],
      [`/api/nothing?ticket=${await api.ticket()}`, '404'],
      [`/api/tasks/stream/ws?project_id=x&ticket=${await api.ticket()}`, '404'],
    ]) {
      const socket = new WebSocket(`ws://127.0.0.1:${api.port}${path}`);
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error.message).toContain(status);
    }
  });

  test('a ticket for the board’s socket is good once, and one that only shows moves nothing', async () => {
    const api = await ServedApi.open();
    const url = `ws://127.0.0.1:${api.port}/api/board/ws`;
    const ticket = await api.ticket();
    const first = new WebSocket(`${url}?ticket=${ticket}`);
    await once(first, 'open');
    const second = new WebSocket(`${url}?ticket=${ticket}`);
    const [error] = (await once(second, 'error')) as [Error];
    expect(error.message).toContain('401');
    const closed = once(first, 'close');
    await api.close();
    expect((await closed)[0]).toBe(1001);
  });

  test('guessing is slowed down, and does not keep out who has the token', async () => {
    const api = await ServedApi.open({ limits: { refusalsPerMinute: 5 } });
    const statuses: number[] = [];
    for (let guess = 0; guess < 8; guess += 1)
      statuses.push(
        (await ask(api, '/api/orchestrator/status', { authorization: `Bearer ${guess}` })).status,
      );
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect((await ask(api, '/api/orchestrator/status', bearer)).status).toBe(200);
  });
});

describe('too much', () => {
  test('of a body is refused at once where its length is told, and as it comes where it is not', async () => {
    const api = await ServedApi.open();
    const told = await ask(
      api,
      '/api/orchestrator/tasks',
      { ...bearer, 'content-type': 'application/json', 'content-length': String(10 ** 9) },
      { method: 'POST', body: '{' },
    );
    expect(told.status).toBe(413);
    const socket = dial(api);
    socket.write(
      `POST /api/orchestrator/tasks HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${testToken}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const push = (): void => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once('drain', push);
    };
    push();
    await closed;
    if (text !== '') expect(text).toContain('413');
    expect(socket.bytesWritten).toBeLessThan(512 * 1024 * 1024);
    expect(api.feed.tasks.all()).toEqual([]);
  });

  test('of a body without a token is not read at all', async () => {
    const api = await ServedApi.open();
    const answer = await ask(
      api,
      '/api/orchestrator/tasks',
      { 'content-type': 'application/json', 'content-length': String(10 ** 9) },
      { method: 'POST', body: '{' },
    );
    expect(answer.status).toBe(401);
  });

  test.each([
    ['deeply nested', '['.repeat(200_000)],
    ['cut', '{"title":'],
    ['no object', '"title"'],
    ['a prototype', '{"title":"x","__proto__":{"access":"move"}}'],
  ])('of a surprise in a body (%s) is bad input', async (_what, body) => {
    const api = await ServedApi.open();
    const answer = await ask(
      api,
      '/api/orchestrator/tasks',
      { ...bearer, 'content-type': 'application/json' },
      { method: 'POST', body },
    );
    expect([400, 422]).toContain(answer.status);
    expect(answer.body).not.toContain('node_modules');
  });

  test('of headers is refused', async () => {
    const api = await ServedApi.open();
    expect((await ask(api, '/api/orchestrator/status', { ...bearer, long: 'x'.repeat(20_000) })).status).toBe(
      431,
    );
  });

  test('of asking is refused for a while', async () => {
    const api = await ServedApi.open({ limits: { readsPerMinute: 3, movesPerMinute: 1 } });
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1)
      statuses.push((await api.fetch('/api/orchestrator/status')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await api.fetch('/api/orchestrator/tasks', { json: { title: 'One' } })).status).toBe(201);
    const refused = await api.fetch('/api/orchestrator/tasks', { json: { title: 'Two' } });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(api.feed.tasks.all()).toHaveLength(1);
  });
});

describe('too slow', () => {
  test('with its headers (slow loris), or with its body, it is cut off', async () => {
    const api = await ServedApi.open({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const headers = dial(api);
    headers.write('GET / HTTP/1.1\r\nHost: 127');
    const body = dial(api);
    body.write(
      `POST /api/orchestrator/tasks HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${testToken}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    await Promise.all(
      [headers, body].map((socket) => {
        socket.resume();
        return new Promise((resolve) => socket.once('close', resolve));
      }),
    );
    expect((await api.fetch('/api/orchestrator/status')).status).toBe(200);
  });
});

describe('paths', () => {
  test.each([
    '/board/../package.json',
    '/board/..%2f..%2fpackage.json',
    '/board/%2e%2e/%2e%2e/etc/passwd',
    '/board/....//package.json',
    '/board/inspector.js%00.css',
    '/board//etc/passwd',
    '/board/board.js/../../../package.json',
    '//etc/passwd',
    '/..%5c..%5cpackage.json',
    '/board/host.js',
  ])('%s leads nowhere', async (path) => {
    const api = await ServedApi.open({ pages: new URL('../../../dist/webview', import.meta.url).pathname });
    const answer = await ask(api, path, bearer);
    expect([400, 401, 404]).toContain(answer.status);
    expect(answer.body).not.toMatch(/root:|orchestrator-manager"/);
  });

  test.each(['..%2f..%2f..%2fetc%2fpasswd', '%2e%2e', '11111111-1111-4111-8111-111111111111.qa-1%2f..%2f..'])(
    'no stage id leads out of the storage: %s',
    async (id) => {
      const api = await ServedApi.open();
      for (const end of ['', '/log', '/output'])
        expect((await ask(api, `/api/orchestrator/stage/${id}${end}`, bearer)).status).toBe(404);
    },
  );
});

test('of ten thousand connections those beyond the limit are dropped, and who is in stays in', async () => {
  const connections = 200;
  const api = await ServedApi.open({ limits: { connections } });
  const id = await api.create('One');
  const stream = await api.fetch('/api/events/orchestrator');
  const reader = stream.body?.getReader();
  const wanted = 10_000;
  let open = 0;
  let closed = 0;
  for (let batch = 0; batch < wanted; batch += 500) {
    for (let count = 0; count < 500; count += 1) {
      const socket = dial(api);
      socket.on('connect', () => {
        open += 1;
      });
      socket.on('close', () => {
        closed += 1;
      });
      socket.resume();
    }
    await vi.waitFor(() => expect(closed).toBeGreaterThanOrEqual(batch + 500 - connections), {
      timeout: 30_000,
    });
  }
  expect(open).toBeGreaterThan(connections);
  expect(wanted - closed).toBeLessThan(connections);
  await api.prioritize(id, 9);
  let text = '';
  while (!text.includes('task.prioritized')) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) break;
    text += Buffer.from(value).toString();
  }
  expect(text).toContain('task.prioritized');
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(async () => expect((await ask(api, '/api/health')).status).toBe(200));
});
