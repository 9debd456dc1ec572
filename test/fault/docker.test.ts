import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { labels } from '../../src/engine/allocation/containerSpec.ts';
import { storageId } from '../../src/engine/storagePaths.ts';
import { DockerHarness, leaseRequest, runProgram } from '../support/dockerEngineHarness.ts';
import { isFull } from '../support/faultNumbers.ts';
import { HeldTask, runsOf } from '../support/heldTask.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene } from '../support/scene.ts';
import { canMount, freeOn, smallDisk } from '../support/smallDisk.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();

async function containerOf(scene: Scene, taskId: string): Promise<string> {
  const filters = [`${labels.storage}=${storageId(scene.storage)}`, `${labels.task}=${taskId}`];
  const found = await scene.docker(
    'ps',
    '--quiet',
    '--no-trunc',
    ...filters.flatMap((label) => ['--filter', `label=${label}`]),
  );
  return found.trim();
}

describe.skipIf(skip)('something happens to a container', () => {
  const harms = isFull
    ? [['kill'], ['rm', '--force'], ['stop', '--time', '0'], ['restart', '--time', '0']]
    : [['rm', '--force']];

  test.each(harms)(
    'docker %s: its task has the stage run again, and another task does not notice',
    async (...harm) => {
      const titles = ['First task', 'Second task'];
      const barriers = titles.map(() => new Barrier());
      const scripts = titles.map((title, index) =>
        sampleScript(title, 'right-at-once', ({ turn }) =>
          turn === 1 ? (barriers[index]?.pass() ?? null) : null,
        ),
      );
      const scene = await Scene.make('docker', scripts);
      const ids: string[] = [];
      for (const title of titles) {
        const added = await scene.done(scene.task('add', title, '--gate', 'specification'), 0);
        ids.push(String(added.lines.at(-1)?.task_id));
      }
      const host = scene.host('resume');
      await Promise.all(barriers.map(({ reached }) => reached));
      const [command = '', ...options] = harm;
      await scene.docker(command, ...options, await containerOf(scene, ids[0] ?? ''));
      for (const barrier of barriers) barrier.open();
      const tasks = (await scene.done(host, 2)).finals();
      const runs = ids.map((id) => tasks.filter(({ task_id }) => task_id === id).flatMap(runsOf));
      expect(runs).toEqual([
        ['specification 1 killed', 'specification 2 success'],
        ['specification 1 success'],
      ]);
    },
  );

  test('it is paused: a cancel ends the run all the same', async () => {
    const held = await HeldTask.start('docker');
    await held.scene.docker('pause', await containerOf(held.scene, await held.id()));
    await held.scene.done(held.scene.host('cancel', await held.id()), 0);
    expect((await held.scene.done(held.host, 2)).finals()).toMatchObject([{ outcome: 'cancelled' }]);
    held.release();
    await held.leavesNothing();
  });

  test('its image is gone before its turn: it rests and says what is missing, another task goes on', async () => {
    const scene = await Scene.make('docker', [sampleScript('Second task', 'right-at-once')]);
    await scene.done(scene.task('add', 'First task', '--image', 'orchestrator-test/none:1'), 0);
    // Nothing could run, so nothing is touched.
    const refused = await scene.done(scene.host('resume'), 4);
    expect(refused.stderr).toContain('docker pull orchestrator-test/none:1');
    await scene.done(scene.task('add', 'Second task', '--gate', 'specification'), 0);
    const tasks = (await scene.done(scene.host('resume'), 2)).finals();
    // In the order in which they came to rest, which is nobody's promise.
    const ends = tasks.map(({ title, outcome, reason }) => [title, outcome, reason]);
    expect(ends).toHaveLength(2);
    expect(ends).toContainEqual(['Second task', 'waiting', expect.anything()]);
    expect(ends).toContainEqual([
      'First task',
      'needs-attention',
      expect.stringContaining('docker pull orchestrator-test/none:1'),
    ]);
  });

  test('its port is taken by a program in between: the task takes another slot', async () => {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', () => barrier.pass());
    const scene = await Scene.make('docker', [script]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(8081, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const host = scene.task('run', 'Slug it');
    await barrier.reached;
    expect((await host.event('slot.blocked')).data).toMatchObject({ port: 8081 });
    expect((await host.event('run.started')).data).toMatchObject({ containerPort: 8082 });
    await scene.done(scene.host('cancel', (await host.event('task.created')).task_id), 0);
    await scene.done(host, 2);
    barrier.open();
  });
});

describe.skipIf(skip)('a program of the agent’s wants more than there is', () => {
  let harness: DockerHarness | null = null;
  afterEach(() => harness?.close());

  async function run(script: string): Promise<string> {
    harness = await DockerHarness.open();
    const repository = harness.repository();
    const isolation = harness.isolation({ limits: { memoryBytes: 256 * 2 ** 20 } });
    const workspace = await isolation.acquire(leaseRequest(repository, 8081), AbortSignal.timeout(60_000));
    const { exit, stdout } = await runProgram(repository, workspace, ['sh', '-c', script]);
    return `${exit.code ?? exit.signal} ${exit.detail ?? ''}\n${stdout}`;
  }

  test.each(['/tmp', '$HOME', '/gitdir'])(
    '%s: it is told that the disk is full, and the agent goes on',
    async (folder) => {
      const fill = `dd if=/dev/zero of=${folder}/fill bs=1M count=300 2>&1 | grep -o 'No space left'`;
      // Something as big as the agent, which the kernel would choose to kill.
      const agent = `node -e "const b = Buffer.alloc(6e7, 1); setInterval(() => b.length, 1e3)" & agent=$!`;
      expect(await run(`${agent}; ${fill}; kill -0 $agent && echo lives`)).toBe('0 \nNo space left\nlives\n');
    },
  );

  test('memory: it alone is killed, and the agent is told', async () => {
    const eat = `node -e "const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))"; echo "it ended with $?"`;
    expect(await run(eat)).toBe('0 \nit ended with 137\n');
  });
});

describe.skipIf(!canMount)('the disk is full', () => {
  test.each(isFull ? (['process', 'docker'] as const) : (['process'] as const))(
    'under a run in %s isolation: the engine says so and stops; with room again the next one goes on',
    async (isolation) => {
      if (isolation === 'docker' && skip) return;
      const disk = smallDisk(24);
      const held = await HeldTask.start(isolation, null, disk);
      const fill = join(disk, 'fill');
      writeFileSync(fill, Buffer.alloc(freeOn(disk)));
      held.release();
      await held.scene.done(held.host, 4);
      expect(held.host.stderr).toMatch(/ENOSPC|full|space/);
      rmSync(fill);
      const task = await held.finish(await held.resume());
      expect(runsOf(task).at(-1)).toMatch(/specification \d success/);
    },
  );
});
