import { describe, expect, it } from 'vitest';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import { expectAllOnRecord, expectNothingLeft } from '../support/aftermath.ts';
import type { ImplementationPart } from '../support/playedModel.ts';
import { runsOf } from '../support/heldTask.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene } from '../support/scene.ts';
import { canMount, freeOn, smallDisk } from '../support/smallDisk.ts';
import { requireDocker } from '../support/suites.ts';

const docker = await requireDocker();
const mib = 2 ** 20;

/** Never ends by itself: a full disk does not impress it. One file git would commit, the others it ignores. */
const writesWithoutEnd = `printf 'ignored\\n' >.gitignore
mkdir -p ignored
number=0
while :; do
  number=$((number + 1))
  cat /dev/zero >>ignored/fill-$number
  cat /dev/zero >>fill
  sleep 0.2
done 2>/dev/null
`;

const script = sampleScript('Slug it', 'right-at-once');
const [clean] = script.implementation;
const fills: ImplementationPart = {
  ...clean,
  actions: [
    { type: 'write', path: 'fill.sh', content: writesWithoutEnd },
    { type: 'run', command: 'sh fill.sh' },
    ...clean.actions,
  ],
};

describe.skipIf(!canMount)('an agent that fills the disk', () => {
  describe.each<IsolationKind>(['process', 'docker'])('in %s isolation', (isolation) => {
    it.skipIf(isolation === 'docker' && docker.skip)(
      'is ended, named and undone; nothing of it gets into the repository, and another task goes on',
      async () => {
        const disk = smallDisk(128);
        const barrier = new Barrier();
        const implementation: [ImplementationPart, ...ImplementationPart[]] = [fills];
        const scene = await Scene.make(
          isolation,
          [
            { ...script, marker: 'Fill it', implementation },
            sampleScript('Slug it', 'right-at-once', ({ stage, turn }) =>
              stage === 'specification' && turn === 1 ? barrier.pass() : null,
            ),
          ],
          null,
          disk,
        );
        const settings = await scene.write(
          'settings.json',
          JSON.stringify({ stages: { implementation: { allowedTools: ['Bash(sh fill.sh)'] } } }),
        );
        const freeBefore = freeOn(disk);
        await scene.done(scene.task('add', 'Fill it', '--settings', settings), 0);
        await scene.done(scene.task('add', 'Slug it'), 0);
        const host = scene.host('resume');
        await barrier.reached;
        const failed = await host.event('run.failed');
        expect(JSON.stringify(failed.data)).toMatch(
          /"disk-full".*implementation stage wrote \d+ MiB .* left \d+ MiB free/,
        );
        // Before the next run begins, and before what it wrote is put aside.
        expect(freeOn(disk)).toBeGreaterThan(freeBefore - 16 * mib);
        barrier.open();
        await scene.done(host, 2);
        const [fill, slug] = ['Fill it', 'Slug it'].map((title) =>
          host.finals().find((task) => task.title === title),
        );
        if (fill === undefined || slug === undefined) throw new Error('the host did not tell of both tasks');
        expect(fill).toMatchObject({ outcome: 'needs-attention' });
        expect(runsOf(fill)).toEqual(['specification 1 success', 'implementation 1 disk-full']);
        expect(runsOf(slug)).toEqual(['specification 1 success', 'implementation 1 success', 'qa 1 success']);

        // A person sees to it and tries again, in the same worktree.
        implementation[0] = clean;
        await scene.done(scene.host('retry', fill.task_id), 0);
        const again = await scene.done(scene.host('resume'), 0);
        expect(again.finals().flatMap(runsOf)).toEqual([
          'specification 1 success',
          'implementation 1 disk-full',
          'implementation 2 success',
          'qa 1 success',
        ]);
        await scene.done(scene.host('accept', slug.task_id), 0);
        await scene.done(scene.host('accept', fill.task_id), 0);
        expect(Number(/^size: (\d+)$/m.exec(await scene.git('count-objects', '-v'))?.[1])).toBeLessThan(
          1_024,
        );
        await expectAllOnRecord(scene, [host, again]);
        await expectNothingLeft(scene);
      },
    );

    it.skipIf(isolation === 'docker' && docker.skip)(
      'by the setup command: it is ended, named and undone, and tried again when a person says so',
      async () => {
        const disk = smallDisk(128);
        const scene = await Scene.make(isolation, [script], null, disk);
        const onceWithoutEnd = `[ -e tried ] && exit 0; touch tried; ${writesWithoutEnd}`;
        const freeBefore = freeOn(disk);
        const host = await scene.done(scene.task('run', 'Slug it', '--setup-command', onceWithoutEnd), 2);
        // A container's port may have been taken by another one's before.
        const failed = host.lines.find(
          ({ type, data }) => type === 'workspace.failed' && !JSON.stringify(data).includes('port-taken'),
        );
        expect(JSON.stringify(failed?.data)).toMatch(
          /"disk-full".*setup command wrote \d+ MiB .* left \d+ MiB free/,
        );
        expect(freeOn(disk)).toBeGreaterThan(freeBefore - 32 * mib);
        const [task] = host.finals();
        expect(task).toMatchObject({ outcome: 'needs-attention', stages: [] });

        await scene.done(scene.host('retry', task?.task_id ?? ''), 0);
        const again = await scene.done(scene.host('resume'), 0);
        expect(again.finals().flatMap(runsOf)).toEqual([
          'specification 1 success',
          'implementation 1 success',
          'qa 1 success',
        ]);
        await scene.done(scene.host('accept', task?.task_id ?? ''), 0);
        await expectAllOnRecord(scene, [host, again]);
        await expectNothingLeft(scene);
      },
    );
  });
});
