import { once } from 'node:events';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { RunPaths } from '../../../src/engine/effects/runPaths.ts';
import { stageUpdate } from '../../../src/engine/protocol/serverApi.ts';
import { stageIdOf } from '../../../src/engine/server/shapes.ts';
import { auditTypes, FollowedStream } from '../../support/followedStream.ts';
import { ServedApi, testToken } from '../../support/servedApi.ts';

const idsOf = (events: readonly { readonly id: string }[]): readonly number[] =>
  events.map(({ id }) => Number(id));
interface TaskPatch {
  readonly JsonPatch: readonly { readonly op: string; readonly path: string; readonly value: object }[];
}

const failure = { code: 'authentication', message: 'Claude Code is not signed in.' } as const;

describe('the audit trail as events', () => {
  test('a snapshot first, then stage updates in the promised shape, each under its number', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const head = (await api.audit()).length;
    const stream = new FollowedStream(`${api.url}/api/events/orchestrator/${id}`, auditTypes);
    await stream.until((events) => events.length === 1);
    expect(stream.events).toMatchObject([
      {
        type: 'snapshot',
        id: String(head),
        data: {
          task: { task_id: id, phase: 'preparing' },
          stages: [{ stage_type: 'specification', status: 'pending' }, {}, {}],
        },
      },
    ]);
    await api.complete(id);
    const rows = await api.audit(id);
    const events = await stream.until((heard) => Number(heard.at(-1)?.id) === rows.at(-1)?.seq);
    expect(idsOf(events.slice(1))).toEqual(rows.map(({ seq }) => seq).filter((seq) => seq > head));
    const updates = events
      .filter(({ type }) => type === 'stage-update')
      .map(({ data }) => v.parse(stageUpdate, data));
    expect(updates.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'specification running',
      'specification completed',
      'implementation running',
      'implementation completed',
      'qa running',
      'qa completed',
    ]);
    expect(updates[1]?.context).toMatchObject({ task_id: id, outcome: 'success', cost_usd: 0.25 });
  });

  test('a task’s stream has that task’s events, the stream of all has everyone’s', async () => {
    const api = await ServedApi.open();
    const [one, two] = [await api.create('One'), await api.create('Two')];
    const ofOne = new FollowedStream(`${api.url}/api/events/orchestrator/${one}`, auditTypes);
    const ofAll = new FollowedStream(`${api.url}/api/events/orchestrator`, auditTypes);
    await ofOne.until(({ length }) => length === 1);
    await ofAll.until(({ length }) => length === 1);
    const head = (await api.audit()).length;
    await api.prioritize(two, 5);
    await api.prioritize(one, 5);
    await api.prioritize(two, 6);
    expect(idsOf((await ofAll.until(({ length }) => length === 4)).slice(1))).toEqual([
      head + 1,
      head + 2,
      head + 3,
    ]);
    expect(idsOf((await ofOne.until(({ length }) => length === 2)).slice(1))).toEqual([head + 2]);
  });

  test('who comes back with a number gets what came after it and no snapshot; a number of another storage gets one', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    for (let priority = 1; priority <= 1_200; priority += 1) await api.prioritize(id, priority);
    const rows = await api.audit();
    const stream = new FollowedStream(`${api.url}/api/events/orchestrator?last_event_id=3`, auditTypes);
    const events = await stream.until(({ length }) => length === rows.length - 3);
    expect(idsOf(events)).toEqual(rows.slice(3).map(({ seq }) => seq));
    await api.prioritize(id, 0);
    await stream.until((heard) => Number(heard.at(-1)?.id) === rows.length + 1);
    const foreign = new FollowedStream(`${api.url}/api/events/orchestrator?last_event_id=99999`, auditTypes);
    expect(await foreign.until(({ length }) => length === 1)).toMatchObject([{ type: 'snapshot' }]);
  });

  test('what no notice told of is read from the records', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const stream = new FollowedStream(`${api.url}/api/events/orchestrator`, auditTypes);
    await stream.until(({ length }) => length === 1);
    const head = (await api.audit()).length;
    // As when the engine that was followed is another process, and the connection to it broke for a while.
    api.feed.dispose();
    await api.prioritize(id, 1);
    await api.prioritize(id, 2);
    const again = await api.serveAgain();
    await again.prioritize(id, 3);
    const events = await stream.until((heard) => Number(heard.at(-1)?.id) >= head + 2);
    expect(idsOf(events.slice(1)).slice(0, 2)).toEqual([head + 1, head + 2]);
  });

  test('a stream goes on across a restart of the engine, with nothing lost or doubled', async () => {
    const first = await ServedApi.open({ limits: { retryMs: 5 } });
    const id = await first.create('One');
    const stream = new FollowedStream(`${first.url}/api/events/orchestrator?last_event_id=0`, auditTypes);
    await stream.until(({ length }) => length === 2);
    await first.close();
    await first.prioritize(id, 1);
    await first.prioritize(id, 2);
    await first.store.close();
    const second = await ServedApi.open({
      directory: first.directory,
      port: first.port,
      limits: { retryMs: 5 },
    });
    await second.prioritize(id, 3);
    const rows = await second.audit();
    const events = await stream.until((heard) => Number(heard.at(-1)?.id) === rows.at(-1)?.seq);
    expect(idsOf(events)).toEqual(rows.map(({ seq }) => seq));
  });

  test('a client that does not read is let go in good order, and slows nobody', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const reader = new FollowedStream(`${api.url}/api/events/orchestrator`, auditTypes);
    await reader.until(({ length }) => length === 1);
    const slow = connect(api.port, '127.0.0.1');
    slow.pause();
    slow.write(
      `GET /api/events/orchestrator HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${testToken}\r\n\r\n`,
    );
    const clients = async (): Promise<string> => (await api.fetch('/metrics')).text();
    await vi.waitFor(async () => expect(await clients()).toContain('orchestrator_event_clients 2'));
    await api.ready(id);
    const message = 'x'.repeat(300_000);
    for (let round = 0; round < 25; round += 1) {
      await api.fail(id, { ...failure, message });
      await api.service.dispatch({ type: 'retry', taskId: id });
      await api.ready(id);
    }
    // What it had unread is bounded; the events after it was let go were not kept for it.
    const ended = once(slow, 'close');
    const taken: Buffer[] = [];
    slow.on('data', (chunk: Buffer) => taken.push(chunk));
    slow.resume();
    slow.end();
    await ended;
    const text = Buffer.concat(taken).toString('utf8');
    const rows = await api.audit();
    expect(text.endsWith('\r\n0\r\n\r\n')).toBe(true);
    expect(text.length).toBeLessThan(12 * 1024 * 1024);
    expect(
      Number(
        text
          .match(/^id: \d+$/gm)
          ?.at(-1)
          ?.slice(4),
      ),
    ).toBeLessThan(rows.at(-1)?.seq ?? 0);
    expect(
      idsOf((await reader.until((heard) => Number(heard.at(-1)?.id) === rows.at(-1)?.seq)).slice(1)),
    ).toHaveLength(rows.length - 2);
  });
});

describe('an agent’s output', () => {
  test('comes as it is written, from any offset on, without secrets, and ends with the run', async () => {
    const secret = 'sk-very-secret-value';
    const api = await ServedApi.open({ secrets: [secret], limits: { retryMs: 5 } });
    const id = await api.create('One');
    const runId = await api.ready(id);
    const folder = new RunPaths(api.directory).ofRun(runId);
    const path = join(folder, 'stdout.jsonl');
    await mkdir(folder, { recursive: true });
    await writeFile(path, 'größer ');
    const url = `${api.url}/api/orchestrator/stage/${stageIdOf(runId)}/output`;
    const stream = new FollowedStream(url, ['output', 'end']);
    const text = (events: readonly { readonly type: string; readonly data: unknown }[]): string =>
      events.map(({ type, data }) => (type === 'output' ? (data as { text: string }).text : '')).join('');
    await stream.until((events) => text(events) === 'größer ');
    // The secret in three writes, and a character in two.
    for (const part of ['key=sk-very', '-secret', '-value 🕰'.slice(0, 7)]) await appendFile(path, part);
    const clock = Buffer.from('🕰');
    await appendFile(path, clock.subarray(0, 2));
    await appendFile(path, clock.subarray(2));
    await appendFile(path, ' sk-very');
    const masked = `größer key=${'[redacted]'.padEnd(secret.length, '*')} 🕰`;
    await stream.until((events) => text(events).startsWith(masked));
    expect(text(stream.events)).not.toContain('sk-v');
    const resumed = new FollowedStream(`${url}?last_event_id=${Buffer.byteLength('größer key=sk-very')}`, [
      'output',
      'end',
    ]);
    await resumed.until((events) => text(events).length > 5);
    await api.succeed(id);
    const events = await stream.until((heard) => heard.at(-1)?.type === 'end');
    const whole = `${masked} sk-very`;
    expect(text(events)).toBe(whole);
    expect(events.at(-1)?.id).toBe(String(Buffer.byteLength(`größer key=${secret} 🕰 sk-very`)));
    await resumed.until((heard) => heard.at(-1)?.type === 'end');
    // Who comes in the middle of the secret does not get its second half.
    expect(text(resumed.events)).toBe(whole.slice('größer key=sk-very'.length));
  });

  test('of a run that left nothing it just ends', async () => {
    const api = await ServedApi.open();
    const id = await api.create('One');
    const runId = await api.ready(id);
    const stream = new FollowedStream(`${api.url}/api/orchestrator/stage/${stageIdOf(runId)}/output`, [
      'output',
      'end',
    ]);
    await vi.waitFor(() => expect(stream.opened).toBe(1));
    await api.succeed(id);
    expect(await stream.until(({ length }) => length > 0)).toMatchObject([
      { type: 'end', data: { offset: 0 } },
    ]);
  });
});

describe('Vibe Kanban’s dialect', () => {
  test('its event stream tells of each change as an entry', async () => {
    const api = await ServedApi.open();
    const stream = new FollowedStream(`${api.url}/api/events/`, ['json_patch']);
    await vi.waitFor(() => expect(stream.opened).toBe(1));
    const id = await api.create('One');
    const events = await stream.until(({ length }) => length >= 2);
    const { data } = (await api.json('/api/projects')) as { data: { id: string }[] };
    expect(events[0]).toMatchObject({
      id: '',
      data: [
        {
          op: 'add',
          path: '/entries/1',
          value: {
            db_op: 'insert',
            record: {
              type: 'TASK',
              data: { id, project_id: data[0]?.id, title: 'One', status: 'todo', parent_task_attempt: null },
            },
          },
        },
      ],
    });
    expect(events[1]).toMatchObject({
      data: [
        { path: '/entries/2', value: { db_op: 'update', record: { data: { id, status: 'inprogress' } } } },
      ],
    });
  });

  test('its WebSocket gives the list and then its changes; its REST answers agree', async () => {
    const api = await ServedApi.open();
    const one = await api.create('One');
    const { data: projects } = (await api.json('/api/projects')) as { data: { id: string }[] };
    const projectId = projects[0]?.id ?? '';
    const socket = new WebSocket(
      `${api.url.replace('http', 'ws')}/api/tasks/stream/ws?project_id=${projectId}&ticket=${await api.ticket()}`,
    );
    const messages: unknown[] = [];
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
    await vi.waitFor(() => expect(messages).toHaveLength(2));
    expect(messages).toMatchObject([
      {
        JsonPatch: [
          { op: 'replace', path: '/tasks', value: { [one]: { id: one, has_in_progress_attempt: true } } },
        ],
      },
      { Ready: true },
    ]);
    const two = await api.create('Two');
    await vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(4));
    const changes = messages.slice(2).flatMap((message) => (message as TaskPatch).JsonPatch);
    expect(changes.slice(0, 2).map(({ op, path }) => `${op} ${path}`)).toEqual([
      `add /tasks/${two}`,
      `replace /tasks/${two}`,
    ]);
    const listed = (await api.json(`/api/tasks?project_id=${projectId}`)) as { data: { id: string }[] };
    expect(listed).toMatchObject({ success: true, error_data: null, message: null });
    expect(listed.data.map(({ id }) => id)).toEqual([two, one]);
    const last = (messages.at(-1) as TaskPatch).JsonPatch[0]?.value;
    expect(listed.data[0]).toEqual(last);
    expect(await api.json(`/api/tasks/${one}`)).toMatchObject({
      success: true,
      data: { id: one, title: 'One' },
    });
    expect(await api.json('/api/tasks/11111111-1111-4111-8111-111111111111')).toMatchObject({
      success: false,
      data: null,
    });
    const closed = once(socket, 'close');
    await api.close();
    expect((await closed)[0]).toBe(1001);
  });
});

test('closing ends every stream in good order', async () => {
  const api = await ServedApi.open();
  await api.create('One');
  const response = await api.fetch('/api/events/orchestrator');
  const text = response.text();
  await api.close();
  expect(await text).toContain('event: snapshot');
});
