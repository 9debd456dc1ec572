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
