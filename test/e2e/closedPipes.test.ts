import { expect, test } from 'vitest';
import type { WireTask } from '../../src/engine/protocol/wire.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { claude, Scene } from '../support/scene.ts';

test('a run whose reader leaves (`| head -1`) is interrupted in good order, and goes on', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const host = scene.task('run', 'Slug it');
  await host.event('task.created');
  host.child.stdout?.destroy();
  await scene.done(host, 130);
  expect(host.stderr).toContain('Interrupted.');
  const resumed = await scene.done(scene.host('resume'), 0);
  expect(resumed.finals()).toMatchObject([
    { title: 'Slug it', outcome: 'completed' } satisfies Partial<WireTask>,
  ]);
});

test('a server whose reader leaves is interrupted as well', async () => {
  const scene = await Scene.make('process', []);
  const host = scene.host('serve', '--isolation', 'process', '--claude', claude);
  const { url, token } = await host.until(({ type }) => type === 'listening');
  host.child.stdout?.destroy();
  const headers = { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ title: 'A row that nobody reads' });
  // Answered or cut off: the row that it makes is what nobody reads.
  const created = await fetch(`${String(url)}/api/orchestrator/tasks`, {
    method: 'POST',
    headers,
    body,
  }).then(
    ({ status }) => status,
    () => 'cut off' as const,
  );
  expect([201, 'cut off']).toContain(created);
  await scene.done(host, 130);
  expect(host.stderr).toContain('Interrupted.');
});

test('what only tells ends as asked when nobody reads it', async () => {
  const scene = await Scene.make('process', []);
  await scene.done(scene.task('add', 'Slug it'), 0);
  for (const command of ['tasks', 'audit', 'metrics']) {
    const host = scene.host(command);
    host.child.stdout?.destroy();
    await scene.done(host, 0);
    expect(host.stderr).toBe('');
  }
});

test('what changes something is done to its end when nobody reads it', async () => {
  const scene = await Scene.make('process', []);
  const host = scene.task('add', 'Slug it');
  host.child.stdout?.destroy();
  await scene.done(host, 0);
  expect((await scene.done(scene.host('tasks'), 0)).lines).toMatchObject([{ title: 'Slug it' }]);
});

test('the exit code says what nobody reads on stderr', async () => {
  const scene = await Scene.make('process', []);
  const host = scene.host('show', 'zzz');
  host.child.stderr?.destroy();
  await scene.done(host, 3);
});
