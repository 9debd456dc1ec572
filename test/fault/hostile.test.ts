import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import { carefulGit, expectNoCanary, makeHostile } from '../support/hostileRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene } from '../support/scene.ts';
import { requireDocker } from '../support/suites.ts';

const docker = await requireDocker();

describe.each<IsolationKind>(['process', 'docker'])('a hostile repository, in %s isolation', (isolation) => {
  const test = it.skipIf(isolation === 'docker' && docker.skip);

  test('has nothing of it run or obeyed, from the first look to the merge', async () => {
    const scene = await Scene.make(isolation, [sampleScript('Slug it', 'right-at-once')]);
    const { folder, repository, storage } = scene;
    await makeHostile(repository, folder);
    const config = await readFile(join(repository, '.git/config'), 'utf8');
    const commit = (await carefulGit(repository, 'rev-parse', 'HEAD')).trim();
    await writeFile(join(repository, '.git/refs/heads/-evil'), `${commit}\n`);
    const title = `Slug it $(touch ${folder}/canary-title) \`touch ${folder}/canary-title\` "; touch canary-title; '\n--help`;
    expect(await scene.task('add', 'Refused', '--base=-evil').ended).toBe(3);

    const host = await scene.done(scene.task('run', title), 0);
    const [task] = host.finals();
    expect(task).toMatchObject({ outcome: 'completed' });
    // The service was asked where the person said, not where the repository wanted.
    expect(scene.api.conversation.length).toBeGreaterThan(5);
    const changed = await carefulGit(repository, 'diff', '--name-only', `main...${task?.branch}`);
    expect(changed).toBe('src/text.js\n');
    const worktree = (await readdir(join(storage, 'worktrees'))).find((name) => !name.startsWith('.')) ?? '';
    await expectNoCanary(folder, repository, join(storage, 'worktrees', worktree));
    expect(await readFile(join(storage, 'worktrees', worktree, 'line\nbreak.md'), 'utf8')).toBe(
      'line\nbreak.md\n',
    );

    await scene.done(scene.host('context', task?.task_id ?? ''), 0);
    await scene.done(scene.host('accept', task?.task_id ?? ''), 0);
    expect(await readFile(join(repository, 'src/text.js'), 'utf8')).toContain('slugify');
    await expectNoCanary(folder, repository);
    expect(await readFile(join(repository, '.git/config'), 'utf8')).toBe(config);
  });
});
