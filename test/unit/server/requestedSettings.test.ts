import { describe, expect, test } from 'vitest';
import type { IsolationKind, Task } from '../../../src/engine/domain/task.ts';
import { ServedApi } from '../../support/servedApi.ts';

const commands = [
  { testCommand: 'touch here' },
  { setupCommand: 'touch here' },
  { copyFiles: ['.env'] },
] as const;

const nothing = { testCommand: null, setupCommand: null, copyFiles: [] };

async function create(api: ServedApi, settings: object): Promise<Response> {
  return api.fetch('/api/orchestrator/tasks', { json: { title: 'One', settings } });
}

/** Changes a task that waits for its turn, behind two others. */
async function change(
  api: ServedApi,
  isolation: IsolationKind,
  settings: object,
): Promise<{ readonly response: Response; readonly task: Task }> {
  for (const title of ['First', 'Second']) await api.create(title, { isolation });
  const id = await api.create('One', { isolation });
  const json = { settings };
  const response = await api.fetch(`/api/orchestrator/tasks/${id}`, { method: 'PATCH', json });
  return { response, task: api.task(id) };
}

async function refusalOf(response: Response): Promise<unknown> {
  expect(response.status).toBe(422);
  return response.json();
}

describe.each(commands)('%j of a request', (settings) => {
  const [name] = Object.keys(settings);
  const refusal = {
    code: 'bad-input',
    detail: expect.stringContaining(`settings.${name} is not taken from a request`),
    remedy: expect.stringContaining('orchestrator settings'),
  };

  test('is refused for a task that works on this machine, new or there', async () => {
    const api = await ServedApi.open();
    expect(await refusalOf(await create(api, settings))).toMatchObject(refusal);
    expect(api.feed.tasks.all()).toEqual([]);
    const { response, task } = await change(api, 'process', { ...settings, maxQaRounds: 0 });
    expect(await refusalOf(response)).toMatchObject(refusal);
    expect(task.settings).toMatchObject({ ...nothing, maxQaRounds: 3 });
  });

  test('is taken for a new task in a container', async () => {
    const api = await ServedApi.open({ isolation: 'docker' });
    expect((await create(api, settings)).status).toBe(201);
    expect(api.feed.tasks.all()).toMatchObject([{ settings: { ...nothing, ...settings } }]);
  });

  test('is taken or not by where the task itself works, however new ones do', async () => {
    const inContainer = await change(await ServedApi.open({ isolation: 'process' }), 'docker', settings);
    expect(inContainer.response.status).toBe(200);
    expect(inContainer.task.settings).toMatchObject({ ...nothing, ...settings });
    const here = await change(await ServedApi.open({ isolation: 'docker' }), 'process', settings);
    expect(await refusalOf(here.response)).toMatchObject(refusal);
  });
});
