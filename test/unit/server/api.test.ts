import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RunPaths } from '../../../src/engine/effects/runPaths.ts';
import type { RunId } from '../../../src/engine/domain/ids.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { stageIdOf } from '../../../src/engine/server/shapes.ts';
import { ServedApi } from '../../support/servedApi.ts';

const failure = {
  code: 'authentication',
  message: 'Claude Code is not signed in.',
  remedy: 'Sign in.',
} as const;

async function writeOutput(api: ServedApi, runId: RunId, content: string): Promise<void> {
  const folder = new RunPaths(api.directory).ofRun(runId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'stdout.jsonl'), content);
}

describe('the orchestrator’s own routes', () => {
  test('start makes a task of a prompt, and says how it goes', async () => {
    const api = await ServedApi.open();
    const id = randomUUID();
    const response = await api.fetch('/api/orchestrator/start', {
      json: { task_id: id, initial_prompt: '# Add a flag\n\nIt prints JSON.' },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      orchestration_id: id,
      current_stage: 'specification',
      status: 'running',
    });
    expect(await api.json(`/api/orchestrator/tasks/${id}`)).toMatchObject({
      title: 'Add a flag',
      description: '# Add a flag\n\nIt prints JSON.',
      phase: 'preparing',
    });
    // Asked again, it is what it was: nothing is started twice.
    const rows = (await api.audit()).length;
    expect(
      await api.json('/api/orchestrator/start', { json: { task_id: id, initial_prompt: 'x' } }),
    ).toMatchObject({
      status: 'running',
    });
    expect(await api.audit()).toHaveLength(rows);
  });

  test('a third task waits: HTTP passes the same admission as every command', async () => {
    const api = await ServedApi.open();
    const statuses: unknown[] = [];
    for (const title of ['one', 'two', 'three']) {
      const { status } = (await api.json('/api/orchestrator/start', { json: { initial_prompt: title } })) as {
        status: string;
      };
      statuses.push(status);
    }
    expect(statuses).toEqual(['running', 'running', 'queued']);
    expect(await api.json('/api/orchestrator/status')).toMatchObject({
      active_tasks: [{ stage: 'specification' }, { stage: 'specification' }],
      queued_tasks: [{ stage: 'specification', priority: 0 }],
      containers: [
        { id: '8081', status: 'busy' },
        { id: '8082', status: 'busy' },
        { id: '8083', status: 'free' },
      ],
    });
  });

  test('stages tell every attempt, why it failed, and what is to come; a failed one is tried again', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const runId = await api.ready(id);
    await api.fail(id, failure);
    const stages = await api.json(`/api/orchestrator/stages/${id}`);
    expect(stages).toMatchObject([
      {
        id: stageIdOf(runId),
        task_id: id,
        stage_type: 'specification',
        status: 'failed',
        error_message: failure.message,
        container_id: '8081',
        retry_count: 0,
        outcome: 'authentication',
      },
      { stage_type: 'specification', status: 'pending', retry_count: 1, started_at: null },
      { stage_type: 'implementation', status: 'pending' },
      { stage_type: 'qa', status: 'pending' },
    ]);
    const retried = await api.fetch(`/api/orchestrator/stage/${stageIdOf(runId)}/retry`, { method: 'POST' });
    expect(retried.status).toBe(200);
    expect(await retried.json()).toMatchObject({ stage_type: 'specification', retry_count: 1 });
    const again = await api.fetch(`/api/orchestrator/stage/${stageIdOf(runId)}/retry`, { method: 'POST' });
    expect(again.status).toBe(409);
  });

  test('retry, pause, resume, priority, send back, approve, advance and cancel do what the commands do', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One', { gates: ['specification'] });
    const move = async (path: string, init: Parameters<ServedApi['fetch']>[1] = {}): Promise<unknown> => {
      const response = await api.fetch(`/api/orchestrator/${path}`, { method: 'POST', ...init });
      expect(response.status).toBe(200);
      return response.json();
    };
    await api.ready(id);
    await api.fail(id, failure);
    expect(await move(`retry/${id}`)).toMatchObject({ phase: 'preparing' });
    await api.ready(id);
    await api.succeed(id);
    expect(api.task(id).phase.type).toBe('gate');
    expect(await move(`tasks/${id}/send-back`, { json: { note: 'Smaller.' } })).toMatchObject({
      phase: 'preparing',
    });
    await api.ready(id);
    await api.succeed(id);
    expect(await move(`tasks/${id}/approve`)).toMatchObject({ current_stage: 'implementation' });
    await api.ready(id);
    await api.fail(id, failure);
    const { error } = { error: await api.fetch(`/api/orchestrator/tasks/${id}/advance`, { method: 'POST' }) };
    expect(error.status).toBe(409);
    expect(await move(`tasks/${id}`, { method: 'PATCH', json: { priority: 7 } })).toMatchObject({
      priority: 7,
    });
    expect(
      await move(`tasks/${id}`, { method: 'PATCH', json: { settings: { maxQaRounds: 1 } } }),
    ).toMatchObject({ priority: 7 });
    expect(api.task(id).settings).toMatchObject({ maxQaRounds: 1, gates: ['specification'] });
    await move(`retry/${id}`);
    expect(await move(`tasks/${id}/pause`)).toMatchObject({ phase: 'stopping' });
    expect(await move(`task/${id}`, { method: 'DELETE' })).toMatchObject({ phase: 'stopping' });
  });

  test('a change that is refused changes nothing, and one of nothing is none', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One', { isolation: 'docker' });
    await api.ready(id);
    const patch = async (json: object): Promise<number> =>
      (await api.fetch(`/api/orchestrator/tasks/${id}`, { method: 'PATCH', json })).status;
    expect(await patch({ priority: 3, settings: { setupCommand: 'npm ci' } })).toBe(409);
    expect(await patch({})).toBe(422);
    // What runs on this machine, and with which rights, is not a client's to say.
    for (const settings of [{ claudePath: '/tmp/claude' }, { isolation: 'docker' }, { image: 'other' }])
      expect(await patch({ settings })).toBe(422);
    expect(api.task(id)).toMatchObject({ priority: 0, settings: { setupCommand: null, claudePath: null } });
  });

  test('accept merges, and answers when it is done', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    await api.complete(id);
    const answer = api.fetch(`/api/orchestrator/tasks/${id}/accept`, { json: { strategy: 'squash' } });
    await api.service.until(() => api.underWay.includes('merge'));
    await api.merged(id);
    await api.service.report({ type: 'lease-released', taskId: id, leaseId: leaseOf(api) });
    await api.service.report({ type: 'cleaned-up', taskId: id, kept: null });
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'done', commit: 'c'.repeat(40) });
  });

  test('accept tells why nothing was merged, without a path', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    await api.complete(id);
    const answer = api.fetch(`/api/orchestrator/tasks/${id}/accept`, { json: { strategy: 'squash' } });
    await api.service.until(() => api.underWay.includes('merge'));
    const conflict = {
      code: 'merge-conflict',
      message: 'Both changed in /home/someone/place: a.txt.',
      remedy: 'Merge it yourself.',
    } as const;
    await api.service.report({ type: 'merge-failed', taskId: id, failure: conflict });
    const response = await answer;
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      code: 'merge-failed',
      detail: 'Both changed in …: a.txt.',
      remedy: 'Merge it yourself.',
    });
    expect(api.task(id).phase.type).toBe('completed');
  });

  test('contexts are listed and given whole; the audit comes in pages', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    await api.ready(id);
    await api.succeed(id);
    const contexts = (await api.json(`/api/orchestrator/tasks/${id}/contexts`)) as {
      stage: string;
      digest: string;
    }[];
    expect(contexts).toMatchObject([
      { stage: 'request', version: 1, accepted: true, stage_id: null },
      { stage: 'specification', version: 1, accepted: true },
    ]);
    expect(await api.json(`/api/orchestrator/tasks/${id}/contexts/${contexts[1]?.digest}`)).toMatchObject({
      bundle: { type: 'specification', markdown: '# What is to be built' },
    });
    const seqs: number[] = [];
    for (let after: number | null = 0; after !== null;) {
      const page = (await api.json(`/api/orchestrator/audit?after=${after}&limit=2`)) as {
        rows: { seq: number }[];
        next_after: number | null;
      };
      seqs.push(...page.rows.map(({ seq }) => seq));
      after = page.next_after;
    }
    expect(seqs).toEqual((await api.audit()).map(({ seq }) => seq));
    expect(await api.json('/api/orchestrator/metrics')).toMatchObject({ tasks: 1, context_preservation: 1 });
  });

  test('output comes by range of bytes, with secrets masked in place', async () => {
    const secret = 'sk-very-secret-value';
    const api = await ServedApi.open({ secrets: [secret] });
    const id = await api.create('One');
    const runId = await api.ready(id);
    const content = `first\nkey=${secret}\nlast\n`;
    await writeOutput(api, runId, content);
    const path = `/api/orchestrator/stage/${stageIdOf(runId)}`;
    const whole = await api.fetch(`${path}/log`);
    expect(whole.status).toBe(200);
    const masked = await whole.text();
    expect(masked).toHaveLength(content.length);
    expect(masked).not.toContain(secret.slice(0, 6));
    // Also when the range begins or ends within it.
    for (let from = 0; from < content.length; from += 1)
      for (const to of [from, from + 3, from + 11].filter((each) => each < content.length)) {
        const part = await api.fetch(`${path}/log`, { headers: { range: `bytes=${from}-${to}` } });
        expect(part.status).toBe(206);
        expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to}/${content.length}`);
        expect(await part.text()).toBe(masked.slice(from, to + 1));
      }
    const tail = await api.fetch(`${path}/log`, { headers: { range: 'bytes=-5' } });
    expect(await tail.text()).toBe('last\n');
    expect((await api.fetch(`${path}/log`, { headers: { range: 'bytes=999-' } })).status).toBe(416);
    expect(await api.json(path)).toMatchObject({ command_output: masked });
  });
});

describe('creating a task', () => {
  test('takes the settings file’s schema on top of the server’s defaults', async () => {
    const api = await ServedApi.open();
    const response = await api.fetch('/api/orchestrator/tasks', {
      json: {
        title: ' Add it ',
        settings: {
          gates: ['specification'],
          maxBudgetUsd: 1.5,
          stages: { qa: { maxTurns: 5, timeoutMinutes: 2 } },
        },
      },
    });
    expect(response.status).toBe(201);
    const { task_id: id } = (await response.json()) as { task_id: string };
    const task = api.feed.tasks.all().find((each) => each.id === id);
    expect(task).toMatchObject({
      title: 'Add it',
      settings: {
        isolation: 'process',
        gates: ['specification'],
        maxBudgetUsd: 1.5,
        stages: { qa: { maxTurns: 5, timeoutMs: 120_000 } },
      },
    });
  });

  test.each([
    [{ settings: { isolation: 'docker' } }, 'decided where the server is started'],
    [{ settings: { claudePath: '/bin/sh' } }, 'decided where the server is started'],
    [{ settings: { image: 'mine' } }, 'decided where the server is started'],
    [
      { settings: { stages: { implementation: { allowedTools: ['Bash(*)'] } } } },
      'decided where the server is started',
    ],
    [{ settings: { maxQaRounds: 1.5 } }, 'must be a whole number'],
    [{ settings: { maxBudgetUsd: 0 } }, 'settings.maxBudgetUsd'],
    [{ priority: 0.5 }, 'must be a whole number'],
    [{ title: ' ' }, 'needs a title'],
    [{ title: 'x'.repeat(501) }, 'at most 500 characters'],
    [{ surprise: 1 }, 'surprise'],
  ])('refuses %j', async (changes, words) => {
    const api = await ServedApi.open();
    const response = await api.fetch('/api/orchestrator/tasks', { json: { title: 'One', ...changes } });
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.stringify(await response.json())).toContain(words);
    expect(api.feed.tasks.all()).toEqual([]);
  });

  test('checks the base branch and the place before anything is recorded, and tells no path', async () => {
    const api = await ServedApi.open({
      check: ({ baseBranch }) =>
        Promise.reject(
          new OrchestratorError(
            'bad-input',
            `There is no local branch "${baseBranch}" in /home/someone/secret/place.`,
          ),
        ),
    });
    const response = await api.fetch('/api/orchestrator/tasks', {
      json: { title: 'One', settings: { baseBranch: 'nowhere' } },
    });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ detail: 'There is no local branch "nowhere" in ….' });
    expect(api.feed.tasks.all()).toEqual([]);
  });

  test('a key makes a repeated request the same one; another request under it is refused', async () => {
    const api = await ServedApi.open();
    const create = (title: string, key: string): Promise<Response> =>
      api.fetch('/api/orchestrator/tasks', { json: { title }, headers: { 'idempotency-key': key } });
    const [first, second] = await Promise.all([create('One', 'k'), create('One', 'k')]);
    const answer = await first.text();
    expect(await second.text()).toBe(answer);
    expect(second.status).toBe(201);
    expect(api.feed.tasks.all()).toHaveLength(1);
    expect((await create('Two', 'k')).status).toBe(422);
    expect((await create('Two', 'another')).status).toBe(201);
    expect(api.feed.tasks.all()).toHaveLength(2);
  });

  test('a key outlives the server, as long as the engine lives', async () => {
    const api = await ServedApi.open();
    const headers = { 'idempotency-key': 'k' };
    const answer = await (
      await api.fetch('/api/orchestrator/tasks', { json: { title: 'One' }, headers })
    ).text();
    const again = await api.serveAgain();
    expect(
      await (await again.fetch('/api/orchestrator/tasks', { json: { title: 'One' }, headers })).text(),
    ).toBe(answer);
    expect(api.feed.tasks.all()).toHaveLength(1);
  });
});

describe('refusals', () => {
  test.each([
    ['GET', '/api/orchestrator/tasks/11111111-1111-4111-8111-111111111111', 404, 'unknown-task'],
    ['GET', '/api/orchestrator/tasks/nonsense', 404, 'no-such-address'],
    ['GET', '/api/orchestrator/stage/../../etc', 404, 'no-such-address'],
    ['GET', '/api/orchestrator/tasks?limit=many', 422, 'not-valid'],
    ['DELETE', '/api/orchestrator/task/11111111-1111-4111-8111-111111111111', 404, 'unknown-task'],
    ['GET', '/api/nothing', 404, 'no-such-address'],
    ['GET', '/api/events/orchestrator/11111111-1111-4111-8111-111111111111', 404, 'unknown-task'],
  ])('%s %s is a problem with a code', async (method, path, status, code) => {
    const api = await ServedApi.open();
    const response = await api.fetch(path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ status, code });
  });

  test('a move that makes no sense now is 409, in the engine’s words; one on a final task too', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const approve = await api.fetch(`/api/orchestrator/tasks/${id}/approve`, { method: 'POST' });
    expect(approve.status).toBe(409);
    expect(await approve.json()).toMatchObject({
      code: 'not-now',
      detail: expect.stringContaining('waits for no approval'),
    });
  });

  test('a server that only shows refuses every move and no look', async () => {
    const api = await ServedApi.open({ access: 'read' });
    const id = await api.create('One');
    expect((await api.fetch('/api/orchestrator/status')).status).toBe(200);
    expect((await api.fetch('/api/orchestrator/tasks', { json: { title: 'Two' } })).status).toBe(403);
    expect((await api.fetch(`/api/orchestrator/task/${id}`, { method: 'DELETE' })).status).toBe(403);
    expect(await api.ticket()).not.toBe('');
  });

  test('a defect is told to the log, and not to the client', async () => {
    const heard: unknown[] = [];
    const api = await ServedApi.open({
      wrap: (store) => ({ ...store, bundles: () => Promise.reject(new Error('SELECT * FROM /secret/file')) }),
      logger: { debug() {}, info() {}, warn() {}, error: (event, fields) => heard.push([event, fields]) },
    });
    const id = await api.create('One');
    const response = await api.fetch(`/api/orchestrator/tasks/${id}/contexts`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('SELECT');
    expect(JSON.stringify(heard)).toContain('SELECT');
  });
});

function leaseOf(api: ServedApi) {
  const slot = Object.values(api.feed.tasks.slots()).find((each) => 'leaseId' in each);
  if (slot === undefined || !('leaseId' in slot)) throw new Error('no lease');
  return slot.leaseId;
}
