import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { auditTypes, FollowedStream } from '../support/followedStream.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene, secret } from '../support/scene.ts';

const claude = resolve(import.meta.dirname, '../../node_modules/.bin/claude');

test('a task is made, followed, looked into and accepted over HTTP, and Ctrl-C ends it in good order', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const { description, testCommand } = featureRequest;
  const host = scene.host(
    'serve',
    '--isolation',
    'process',
    '--claude',
    claude,
    '--test-command',
    testCommand,
  );
  const listening = await host.until(({ type }) => type === 'listening');
  const [url, token] = [String(listening['url']), String(listening['token'])];
  const ask = async (path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    expect(response.ok, await response.clone().text()).toBe(true);
    return response.json();
  };
  const all = new FollowedStream(`${url}/api/events/orchestrator?last_event_id=0`, auditTypes, token);
  const { task_id: id } = (await ask('/api/orchestrator/tasks', { title: 'Slug it', description })) as {
    task_id: string;
  };
  const stream = new FollowedStream(`${url}/api/events/orchestrator/${id}`, auditTypes, token);
  const isCompleted = (events: typeof stream.events): boolean =>
    events.some(({ data }) => (data as { type?: string }).type === 'task.completed');
  await host.event('task.completed');
  await stream.until((events) => isCompleted([...events]));
  const stages = (await ask(`/api/orchestrator/stages/${id}`)) as {
    id: string;
    stage_type: string;
    status: string;
  }[];
  expect(stages.map(({ stage_type: type, status }) => `${type} ${status}`)).toEqual([
    'specification completed',
    'implementation completed',
    'qa completed',
  ]);
  const output = new FollowedStream(
    `${url}/api/orchestrator/stage/${stages[1]?.id}/output`,
    ['output', 'end'],
    token,
  );
  const said = await output.until((events) => events.at(-1)?.type === 'end');
  output.source.close();
  const text = said.map(({ data }) => (data as { text?: string }).text ?? '').join('');
  expect(text).toContain('"type":"result"');
  expect(text).not.toContain(secret);
  expect(await ask(`/api/orchestrator/tasks/${id}/accept`, {})).toMatchObject({ status: 'done' });
  expect(await scene.git('log', '--format=%s', 'main')).toContain('Slug it\n');
  const audit = (await ask('/api/orchestrator/audit?limit=1000')) as { rows: { seq: number }[] };
  const last = audit.rows.at(-1)?.seq;
  const events = await all.until((heard) => Number(heard.at(-1)?.id) === last);
  expect(events.map(({ id: seq }) => Number(seq))).toEqual(audit.rows.map(({ seq }) => seq));
  host.child.kill('SIGINT');
  expect(await host.ended).toBe(130);
  expect(host.stderr).toContain('Interrupted. Nothing is lost');
  expect((await scene.done(scene.host('audit', '--verify'), 0)).lines).toMatchObject([{ ok: true }]);
});

test('of two tasks one runs at a time where that was asked for', async () => {
  const titles = ['First task', 'Second task'];
  const scene = await Scene.make(
    'process',
    titles.map((title) => sampleScript(title, 'right-at-once')),
  );
  for (const title of titles) await scene.done(scene.task('add', title), 0);
  const host = scene.host('serve', '--max-concurrent', '1');
  const { task_id: first } = await host.event('run.started');
  const ended = await host.event('task.completed', ({ task_id: id }) => id === first);
  const begun = await host.event('run.started', ({ task_id: id }) => id !== first);
  expect(Number(begun['seq'])).toBeGreaterThan(Number(ended['seq']));
  host.child.kill('SIGINT');
  expect(await host.ended).toBe(130);
});

test('bad input ends with 3 and its reason, a port in use with 4', async () => {
  const scene = await Scene.make('process', []);
  for (const [args, words] of [
    [['--port', 'x'], 'whole number'],
    [['--port', '70000'], 'no port 70000'],
    [['--allow-origin', 'http://evil.example'], 'no origin of this machine'],
  ] as const)
    expect((await scene.done(scene.host('serve', ...args), 3)).stderr).toContain(words);
  const first = scene.host('serve', '--read-only');
  const { url } = (await first.until(({ type }) => type === 'listening')) as unknown as {
    url: string;
  };
  const second = await scene.done(scene.host('serve', '--port', new URL(url).port), 4);
  expect(second.stderr).toContain('orchestrator serve');
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(130);
});
