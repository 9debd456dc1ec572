import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { stageIdOf } from '../../../src/engine/server/shapes.ts';
import { ServedApi, testToken } from '../../support/servedApi.ts';

const run = promisify(execFile);

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const documentOf = async (api: ServedApi): Promise<OpenApi> => (await api.json('/openapi.json')) as OpenApi;

test('the document is a valid OpenAPI 3.1 document, and every operation has a name of its own', async () => {
  const document = await documentOf(await ServedApi.open({ pages: '/nowhere' }));
  const result = await new Validator().validate(structuredClone<Record<string, unknown>>({ ...document }));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
  expect(document.openapi).toBe('3.1.0');
  const names = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(names).size).toBe(names.length);
});

test('every route of the server is in it, and nothing else', async () => {
  const routes: string[] = [];
  const api = await ServedApi.open({ pages: '/nowhere' });
  for (const { method, path } of api.server.routes) {
    if (method === 'ALL') continue;
    routes.push(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  }
  const document = await documentOf(api);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.toSorted()).toEqual(
    [...new Set(routes)].filter((each) => each !== 'GET /openapi.json').toSorted(),
  );
});

describe('what is answered is what the document says', () => {
  /** Asks, and holds the answer against the document's schema for its address, status and type. */
  async function checker(api: ServedApi) {
    const document = await documentOf(api);
    // Formats are told for people; what they promise is checked by the shape of the values below.
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const asked = new Set<string>();
    return {
      document,
      asked,
      async ask(
        template: string,
        path: string,
        init: Parameters<ServedApi['fetch']>[1] = {},
      ): Promise<unknown> {
        const method = (init.method ?? (init.json === undefined ? 'GET' : 'POST')).toLowerCase();
        const operation = document.paths[template]?.[method];
        if (operation === undefined) throw new Error(`${method} ${template} is not in the document`);
        const response = await api.fetch(path, init);
        const answer = operation.responses[String(response.status)];
        if (answer === undefined)
          throw new Error(`${method} ${path}: ${response.status} is not in the document`);
        const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
        const media = answer.content?.[type];
        if (media === undefined) throw new Error(`${method} ${path}: ${type} is not in the document`);
        asked.add(`${method} ${template} ${response.status}`);
        if (!type.endsWith('json')) {
          if (type !== 'text/event-stream') return response.text();
          await response.body?.cancel();
          return null;
        }
        const body: unknown = await response.json();
        const validate = ajv.compile(media.schema);
        expect(validate(body) ? [] : validate.errors, `${method} ${path}`).toEqual([]);
        return body;
      },
    };
  }

  test('at every address that is looked at', async () => {
    const api = await ServedApi.open();
    const { ask, asked, document } = await checker(api);
    const done = await api.create('Done');
    await api.complete(done);
    const failed = await api.create('Failed');
    const runId = await api.ready(failed);
    await api.fail(failed, { code: 'network', message: 'No network.' });
    await api.create('Busy');
    const o = '/api/orchestrator';
    await ask(`${o}/status`, `${o}/status`);
    await ask(`${o}/tasks`, `${o}/tasks`);
    await ask(`${o}/tasks`, `${o}/tasks?limit=no`);
    for (const id of [done, failed]) {
      await ask(`${o}/tasks/{task_id}`, `${o}/tasks/${id}`);
      await ask(`${o}/stages/{task_id}`, `${o}/stages/${id}`);
      await ask(`${o}/tasks/{task_id}/contexts`, `${o}/tasks/${id}/contexts`);
      await ask('/api/tasks/{task_id}', `/api/tasks/${id}`);
    }
    await ask(`${o}/tasks/{task_id}`, `${o}/tasks/${randomUUID()}`);
    await ask('/api/tasks/{task_id}', `/api/tasks/${randomUUID()}`);
    const [, context] = await api.store.bundles(done);
    await ask(`${o}/tasks/{task_id}/contexts/{digest}`, `${o}/tasks/${done}/contexts/${context?.digest}`);
    await ask(`${o}/stage/{id}`, `${o}/stage/${stageIdOf(runId)}`);
    await ask(`${o}/stage/{id}`, `${o}/stage/${encodeURIComponent(runId)}`);
    await ask(`${o}/stage/{id}/log`, `${o}/stage/${stageIdOf(runId)}/log`);
    await ask(`${o}/stage/{id}/output`, `${o}/stage/${stageIdOf(runId)}/output`);
    await ask(`${o}/audit`, `${o}/audit?limit=3`);
    await ask(`${o}/audit`, `${o}/audit?task_id=${done}`);
    await ask(`${o}/metrics`, `${o}/metrics`);
    await ask('/api/events/orchestrator', '/api/events/orchestrator');
    await ask('/api/events/orchestrator', '/api/events/orchestrator?last_event_id=no');
    await ask('/api/events/orchestrator/{task_id}', `/api/events/orchestrator/${done}`);
    await ask('/api/events/', '/api/events/');
    await ask('/api/events', '/api/events');
    await ask('/api/health', '/api/health');
    const projects = (await ask('/api/projects', '/api/projects')) as { data: { id: string }[] };
    await ask('/api/tasks', `/api/tasks?project_id=${projects.data[0]?.id}`);
    await ask('/api/tasks', '/api/tasks');
    await ask('/metrics', '/metrics');
    await ask('/api/tickets', '/api/tickets', { method: 'POST' });
    const looks = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method === 'get')
        .map((method) => `${method} ${path}`),
    );
    expect(looks.filter((look) => ![...asked].some((each) => each.startsWith(`${look} `)))).toEqual([]);
  });

  test('at every move, done or refused', async () => {
    const api = await ServedApi.open();
    const { ask, asked, document } = await checker(api);
    const o = '/api/orchestrator';
    const created = (await ask(`${o}/tasks`, `${o}/tasks`, { json: { title: 'One' } })) as {
      task_id: string;
    };
    await ask(`${o}/tasks`, `${o}/tasks`, { json: { title: '' } });
    await ask(`${o}/start`, `${o}/start`, { json: { initial_prompt: 'Two' } });
    await ask(`${o}/start`, `${o}/start`, { json: { initial_prompt: '' } });
    await ask(`${o}/start`, `${o}/start`, { json: { task_id: created.task_id } });
    await ask(`${o}/tasks/{task_id}`, `${o}/tasks/${created.task_id}`, {
      method: 'PATCH',
      json: { priority: 2 },
    });
    await ask(`${o}/stage/{id}/retry`, `${o}/stage/${created.task_id}.qa-1/retry`, { method: 'POST' });
    await ask(`${o}/retry/{task_id}`, `${o}/retry/${created.task_id}`, { method: 'POST' });
    for (const move of ['approve', 'advance', 'retry', 'resume', 'release-container', 'pause', 'cancel'])
      await ask(`${o}/tasks/{task_id}/${move}`, `${o}/tasks/${created.task_id}/${move}`, { method: 'POST' });
    await ask(`${o}/tasks/{task_id}/send-back`, `${o}/tasks/${created.task_id}/send-back`, {
      json: { note: 'x' },
    });
    await ask(`${o}/tasks/{task_id}/accept`, `${o}/tasks/${created.task_id}/accept`, { json: {} });
    const task = api.feed.tasks.all().find(({ id }) => id === created.task_id);
    if (task === undefined) throw new Error('it was created');
    await ask(`${o}/task/{task_id}`, `${o}/task/${created.task_id}`, { method: 'DELETE' });
    await ask('/api/tickets', '/api/tickets', { json: { access: 'read' } });
    const moves = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get')
        .map((method) => `${method} ${path}`),
    );
    expect(moves.filter((move) => ![...asked].some((each) => each.startsWith(`${move} `)))).toEqual([]);
  });
});

test('curl follows along: it makes a task and reads the stream', async () => {
  const api = await ServedApi.open();
  const curl = async (...args: readonly string[]): Promise<string> =>
    (
      await run('curl', [
        '--silent',
        '--max-time',
        '20',
        '--header',
        `Authorization: Bearer ${testToken}`,
        ...args,
      ])
    ).stdout;
  const created = JSON.parse(
    await curl('--json', '{"initial_prompt":"By curl"}', `${api.url}/api/orchestrator/start`),
  ) as { orchestration_id: string };
  expect(created).toMatchObject({ current_stage: 'specification', status: 'running' });
  const following = curl(
    '--no-buffer',
    '--header',
    'Last-Event-ID: 0',
    `${api.url}/api/events/orchestrator/${created.orchestration_id}`,
  );
  const clients = async (): Promise<boolean> =>
    (await (await api.fetch('/metrics')).text()).includes('orchestrator_event_clients 1');
  while (!(await clients()));
  await api.close();
  expect(await following).toMatch(
    /^retry: 1000\n\nid: 1\nevent: stage-update\ndata: \{"type":"specification","status":"pending"/,
  );
});
