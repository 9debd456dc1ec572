import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene } from '../support/scene.ts';

it('does not merge past edits that a reviewer made and did not commit', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const [task] = (await scene.done(scene.task('run', 'Slug it'), 0)).finals();
  const worktree = task?.worktree ?? '';
  await writeFile(join(worktree, 'NOTES.md'), 'A word of my own.\n');

  const refused = await scene.done(scene.host('accept', task?.task_id ?? ''), 3);
  expect(refused.stderr).toContain('NOTES.md');
  expect(await scene.git('log', '--format=%s', 'main')).toBe(
    'A tiny library, and a test for what it lacks\n',
  );

  await scene.git('-C', worktree, 'add', '-A');
  await scene.git(
    '-C',
    worktree,
    '-c',
    'user.name=R',
    '-c',
    'user.email=r@localhost',
    'commit',
    '-qm',
    'Note',
  );
  await scene.done(scene.host('accept', task?.task_id ?? ''), 0);
  expect(await scene.git('show', 'main:NOTES.md')).toBe('A word of my own.\n');
});

it('goes on with commands that were mended after they could not run', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const wrong = ['--setup-command', 'exit 3', '--test-command', 'no-such-runner', '--max-qa-rounds', '0'];
  const [unprepared] = (await scene.done(scene.task('run', 'Slug it', ...wrong), 2)).finals();
  const id = unprepared?.task_id ?? '';
  expect(unprepared?.reason).toContain('setup command');
  await scene.done(scene.host('settings', id, '--setup-command', 'true'), 0);
  await scene.done(scene.host('retry', id), 0);
  const [untested] = (await scene.done(scene.host('resume'), 2)).finals();
  expect(untested?.reason).toContain('no-such-runner');

  const fixed = await scene.done(scene.host('settings', id, '--base', 'other'), 3);
  expect(fixed.stderr).toContain('Cannot change baseBranch');
  const changed = await scene.done(scene.host('settings', id, '--test-command', 'node --test'), 0);
  expect(changed.lines).toMatchObject([
    { type: 'settings', changes: [{ name: 'testCommand', before: 'no-such-runner', after: 'node --test' }] },
  ]);
  const [shown] = (await scene.done(scene.host('settings', id), 0)).lines;
  expect(shown).toMatchObject({ settings: { testCommand: 'node --test', maxQaRounds: 0 }, changes: [] });

  await scene.done(scene.host('retry', id), 0);
  const [done] = (await scene.done(scene.host('resume'), 0)).finals();
  expect(done).toMatchObject({ task_id: id, outcome: 'completed' });
});

it('looks healthy to the doctor where everything is there', async () => {
  const scene = await Scene.make('process', []);
  const found = async (): Promise<Record<string, unknown>> => {
    const host = scene.host(
      'doctor',
      '--claude',
      join(import.meta.dirname, '../../node_modules/.bin/claude'),
    );
    await host.ended;
    return Object.fromEntries(host.lines.map(({ name, ok }) => [String(name), ok]));
  };
  expect(await found()).toMatchObject({
    git: true,
    repository: true,
    storage: true,
    claude: true,
    'sign-in': true,
  });
});
