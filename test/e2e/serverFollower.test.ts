import { expect, test, vi } from 'vitest';
import { expectAskedOnce, expectOutputWhole } from '../support/aftermath.ts';
import { auditTypes, FollowedStream, type HeardEvent } from '../support/followedStream.ts';
import { HostProcess } from '../support/hostProcess.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, claude, Scene } from '../support/scene.ts';
import { testToken } from '../support/servedApi.ts';
import { ServingWindow } from '../support/servingWindow.ts';

vi.mock('vscode', () => import('../support/openFolderVscode.ts'));

const { description, testCommand } = featureRequest;
const served = ['serve', '--isolation', 'process', '--claude', claude, '--test-command', testCommand];

/** Someone who works with one of the servers. */
class Client {
  private readonly api: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(url: unknown, token: unknown) {
    this.api = `${String(url)}/api/orchestrator`;
    this.headers = { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' };
  }

  async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.api}${path}`, {
      method,
      headers: this.headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.ok, text).toBe(true);
    return JSON.parse(text) as Answer;
  }

  /** So many rows more in the trail. */
  async prioritize(id: string, count: number): Promise<void> {
    for (let priority = 1; priority <= count; priority += 1)
      await this.ask('PATCH', `/tasks/${id}`, { priority });
  }

  async trail(): Promise<readonly number[]> {
    const { rows } = await this.ask<{ rows: { seq: number }[] }>('GET', '/audit?limit=1000');
    return rows.map(({ seq }) => seq);
  }
}

const idsOf = (events: readonly HeardEvent[]): readonly number[] => events.map(({ id }) => Number(id));

test('a window that follows another process serves every event once, while that one drives, dies and is succeeded', async () => {
  const held = new Barrier();
  const scene = await Scene.make('process', [
    sampleScript('Slug it', 'right-at-once', ({ stage }) =>
      stage === 'implementation' ? held.pass() : null,
    ),
  ]);
  const first = scene.host(...served);
  const listening = await first.until(({ type }) => type === 'listening');
  const driver = new Client(listening['url'], listening['token']);
  const window = await ServingWindow.open(scene);
  expect(window.session.state).toEqual({ type: 'following', holder: 'orchestrator serve' });
  const { url } = window.server;
  const port = new URL(url).port;
  const follower = new Client(url, testToken);
  const all = new FollowedStream(`${url}/api/events/orchestrator?last_event_id=0`, auditTypes);
  const fromDriver = new FollowedStream(
    `${String(listening['url'])}/api/events/orchestrator?last_event_id=0`,
    auditTypes,
    String(listening['token']),
  );

  // A host does not follow: it says who holds the storage.
  const refused = await scene.done(scene.host('serve'), 4);
  expect(refused.stderr).toContain('orchestrator serve');
  expect(refused.lines).toEqual([]);

  const { task_id: id } = await follower.ask<{ task_id: string }>('POST', '/tasks', {
    title: 'Slug it',
    description,
  });
  const single = new FollowedStream(`${url}/api/events/orchestrator/${id}?last_event_id=0`, auditTypes);
  await Promise.all([driver.prioritize(id, 100), follower.prioritize(id, 100)]);
  await first.event('run.started', ({ data }) => (data as { stage?: string }).stage === 'implementation');
  await held.reached;
  const beforeDeath = await driver.trail();
  expect(idsOf(await fromDriver.until((heard) => heard.length >= beforeDeath.length))).toEqual(beforeDeath);
  expect(idsOf(await all.until((heard) => heard.length >= beforeDeath.length))).toEqual(beforeDeath);
  fromDriver.source.close();

  // The next one is faster than the window: what it does at first, no notice tells of.
  const letGo = window.holdBack();
  first.child.kill('SIGKILL');
  await first.ended;
  const next = scene.host(...served);
  const nextListening = await next.until(({ type }) => type === 'listening');
  const nextDriver = new Client(nextListening['url'], nextListening['token']);
  await nextDriver.prioritize(id, 50);
  letGo();
  await window.until('following');
  const missed = await nextDriver.trail();
  expect(idsOf(await all.until((heard) => heard.length >= missed.length))).toEqual(missed);
  await Promise.all([nextDriver.prioritize(id, 50), follower.prioritize(id, 50)]);

  // This time nobody is faster: the window drives.
  next.child.kill('SIGKILL');
  await window.until('driving');
  await follower.prioritize(id, 50);
  const stages = await follower.ask<{ id: string; status: string }[]>('GET', `/stages/${id}`);
  const output = new FollowedStream(`${url}/api/orchestrator/stage/${stages[1]?.id}/output`, [
    'output',
    'end',
  ]);
  held.open();
  const completed = (heard: readonly HeardEvent[]): boolean =>
    heard.some(({ data }) => (data as { type?: string }).type === 'task.completed');
  await all.until(completed);
  const said = await output.until((heard) => heard.at(-1)?.type === 'end');
  output.source.close();
  const log = await fetch(`${url}/api/orchestrator/stage/${stages[1]?.id}/log`, {
    headers: { authorization: `Bearer ${testToken}` },
  });
  expect(said.map(({ data }) => (data as { text?: string }).text ?? '').join('')).toBe(await log.text());
  const whole = await follower.trail();
  expect(whole).toEqual(whole.map((_row, index) => index + 1));
  expect(idsOf(await all.until((heard) => heard.length >= whole.length))).toEqual(whole);
  expect(window.states).toEqual(['opening', 'following', 'opening', 'following', 'opening', 'driving']);
  expect(window.complaints).toEqual([]);

  // Another process in its place, at the same address: its clients come back by themselves.
  await window.close();
  const last = new HostProcess(
    [...served, '--port', port, '--json', '--repo', scene.repository, '--storage', scene.storage],
    {
      cwd: scene.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: `${scene.folder}/home`,
        ORCHESTRATOR_TOKEN: testToken,
      },
    },
  );
  await last.until(({ type }) => type === 'listening');
  await follower.prioritize(id, 50);
  const atTheEnd = await follower.trail();
  expect(atTheEnd).toEqual(atTheEnd.map((_row, index) => index + 1));
  expect(atTheEnd.length).toBeGreaterThanOrEqual(whole.length + 50);
  expect(idsOf(await all.until((heard) => heard.length >= atTheEnd.length))).toEqual(atTheEnd);
  expect(idsOf(await single.until((heard) => heard.length >= atTheEnd.length))).toEqual(atTheEnd);
  expect(all.opened).toBe(2);
  last.child.kill('SIGINT');
  expect(await last.ended).toBe(130);
  expectAskedOnce(scene);
  await expectOutputWhole(scene);
});
