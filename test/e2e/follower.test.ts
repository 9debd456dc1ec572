import { expect, test } from 'vitest';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { startServer } from '../../src/engine/server/startServer.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { EngineWindow } from '../support/engineWindow.ts';
import { auditTypes, FollowedStream } from '../support/followedStream.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene, secret } from '../support/scene.ts';

test('who serves what another process drives loses and doubles nothing, also when that one is killed and it takes over', async () => {
  const barrier = new Barrier();
  const asked: string[] = [];
  const scene = await Scene.make('process', [
    sampleScript('Slug it', 'right-at-once', ({ stage, turn }) => {
      asked.push(`${stage} ${turn}`);
      return stage === 'implementation' && turn === 1 ? barrier.pass() : null;
    }),
  ]);
  const driving = scene.task('run', 'Slug it');
  const { task_id } = await driving.until(({ type }) => type === 'task.created');
  const environment = { ANTHROPIC_API_KEY: secret, ANTHROPIC_BASE_URL: scene.baseUrl, ...process.env };
  const window = new EngineWindow(scene.storage, 'the follower', {
    repository: scene.repository,
    environment,
  });
  expect((await window.open()).type).toBe('following');
  const server = await startServer({
    feed: window,
    project: { name: 'tiny-text', path: scene.repository },
    newTask: { defaults: () => defaultSettings, check: async () => {} },
    access: 'move',
    pages: null,
    secrets: () => [secret],
    logger: silentLogger,
  });
  try {
    const url = `${server.url}/api/events/orchestrator`;
    const whole = new FollowedStream(`${url}?last_event_id=0`, auditTypes, server.token);
    const late = new FollowedStream(`${url}/${task_id}`, auditTypes, server.token);
    await late.until(({ length }) => length > 0);
    await barrier.reached;
    driving.child.kill('SIGKILL');
    await driving.ended;
    barrier.open();
    await whole.until((events) =>
      events.some(({ data }) => (data as { readonly type?: string }).type === 'task.completed'),
    );

    const { engine } = await window.open();
    const rows = await engine.records.audit({ after: 0, limit: 1_000 });
    const seqs = rows.map(({ seq }) => seq);
    const idsOf = (stream: FollowedStream): readonly number[] => stream.events.map(({ id }) => Number(id));
    const last = seqs.at(-1);
    await whole.until((events) => Number(events.at(-1)?.id) === last);
    await late.until((events) => Number(events.at(-1)?.id) === last);
    expect(idsOf(whole)).toEqual(seqs);
    // A snapshot under the number it was taken at, and each row after it.
    expect(late.events[0]?.type).toBe('snapshot');
    expect(idsOf(late)).toEqual(seqs.slice(seqs.indexOf(Number(late.events[0]?.id))));
    expect(asked).toEqual([...new Set(asked)]);
  } finally {
    await server.close();
  }
});
