import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { labels } from '../../src/engine/allocation/containerSpec.ts';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import { storageId } from '../../src/engine/storagePaths.ts';
import type { ImplementationPart } from '../support/playedModel.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene, secret } from '../support/scene.ts';
import { requireDocker } from '../support/suites.ts';

const run = promisify(execFile);
const docker = await requireDocker();

async function expectNowhere(folder: string, but = ''): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (but !== '' && path.startsWith(join(folder, but))) continue;
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    expect(content.includes(secret), path).toBe(false);
    // Neither in the pieces in which a stream brings what the model says.
    expect(content.includes('"text_delta"'), path).toBe(false);
  }
}

describe.each<IsolationKind>(['process', 'docker'])('the credentials, in %s isolation', (isolation) => {
  const test = it.skipIf(isolation === 'docker' && docker.skip);

  test('are nowhere but where they are needed, though the model says, prints and writes them', async () => {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', ({ stage, round, turn }) =>
      stage === 'implementation' && round === 0 && turn === 2 ? barrier.pass() : null,
    );
    const [right] = script.implementation;
    const tells: ImplementationPart = {
      actions: [
        { type: 'run', command: 'printenv', says: `The key is ${secret}, and once more: ${secret}.` },
        { type: 'write', path: 'notes.txt', content: `The key: ${secret}\n` },
        ...right.actions,
      ],
      summary: `It works with ${secret}.`,
    };
    const scene = await Scene.make(isolation, [
      { ...script, implementation: [tells, { ...right, summary: `Not with ${secret}.` }] },
    ]);
    const settings = { stages: { implementation: { allowedTools: ['Bash(printenv)'] } } };
    const path = await scene.write('settings.json', JSON.stringify(settings));
    const host = scene.task(
      'run',
      'Slug it',
      '--settings',
      path,
      '--test-command',
      // The project's own code does not get them.
      'test -z "$ANTHROPIC_API_KEY" && npm test',
    );
    await barrier.reached;
    // While it runs: the processes of this machine, what Docker tells, what is on the disk.
    expect((await run('ps', ['-eww', '-o', 'args'], { maxBuffer: 2 ** 26 })).stdout).not.toContain(secret);
    if (isolation === 'docker') {
      const engine = await openDockerEngine();
      const [container] = await engine.list({ [labels.storage]: storageId(scene.storage) });
      const inspected = await run('docker', ['inspect', container?.id ?? ''], { maxBuffer: 2 ** 26 });
      expect(inspected.stdout).toContain(labels.storage);
      expect(inspected.stdout).not.toContain(secret);
      expect((await run('docker', ['top', container?.id ?? '', '-eo', 'pid,args'])).stdout).not.toContain(
        secret,
      );
    }
    // Its worktree is the agent's own, until its stage ends.
    await expectNowhere(scene.storage, 'worktrees');
    barrier.open();
    await scene.done(host, 0);

    const [task] = host.finals();
    expect(task?.stages.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['specification', 'success'],
      ['implementation', 'forbidden-change'],
      ['implementation', 'success'],
      ['qa', 'success'],
    ]);
    const told = JSON.stringify(host.lines) + host.stderr;
    expect(told).toContain('notes.txt held the credentials');
    expect(told).not.toContain(secret);
    const shown = await scene.done(
      scene.host('context', task?.task_id ?? '', '--stage', 'implementation'),
      0,
    );
    expect(JSON.stringify(shown.lines)).toContain('Not with [redacted].');
    await scene.done(scene.host('audit', '--export', join(scene.storage, 'audit.jsonl')), 0);
    await expectNowhere(scene.storage);
    // The CLI's own files.
    await expectNowhere(join(scene.folder, 'home'));
    await expectNowhere(join(scene.repository, 'src'));
    const objects = await scene.git('log', '--all', '-p', '--format=%B');
    expect(objects).toContain('slugify');
    expect(objects).not.toContain(secret);
  });
});
