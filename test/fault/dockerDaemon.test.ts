import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { DockerDaemon } from '../support/dockerDaemon.ts';
import { isFull } from '../support/faultNumbers.ts';
import { HeldTask, runsOf } from '../support/heldTask.ts';
import { InterceptingProxy } from '../support/interceptingProxy.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();

// Starting an engine of our own takes root, and its bridge a Linux.
describe.skipIf(skip || process.getuid?.() !== 0)('a Docker engine that fails under a task', () => {
  let daemon: DockerDaemon;

  beforeAll(async () => {
    daemon = await DockerDaemon.make();
  }, 180_000);
  afterAll(() => daemon.close(), 60_000);

  describe('and keeps its containers', () => {
    test.each(isFull ? (['SIGKILL', 'SIGTERM'] as const) : (['SIGKILL'] as const))(
      'by %s: the run goes on through it',
      async (signal) => {
        const held = await HeldTask.start('docker', daemon);
        await daemon.kill(signal);
        held.release();
        await daemon.start('live-restore');
        expect(runsOf(await held.finish())).toEqual(['specification 1 success']);
      },
    );

    test('a run that ends meanwhile is taken at its word, without the engine', async () => {
      const held = await HeldTask.start('docker', daemon);
      await daemon.kill('SIGKILL');
      held.release();
      await held.host.event('gate.opened');
      await daemon.start('live-restore');
      expect(runsOf(await held.finish())).toEqual(['specification 1 success']);
    });

    test('a cancel that it could not hear is carried out when it is back', async () => {
      const held = await HeldTask.start('docker', daemon);
      await daemon.kill('SIGKILL');
      const cancelling = held.scene.host('cancel', await held.id());
      await held.host.event('task.stop-requested');
      await daemon.start('live-restore');
      await held.scene.done(cancelling, 0);
      const [task] = (await held.scene.done(held.host, 2)).finals();
      expect(task).toMatchObject({ outcome: 'cancelled', status: 'cancelled' });
      await held.leavesNothing();
      held.release();
    });
  });

  test('and says nothing for a while: a run that ends meanwhile has ended once it says so', async () => {
    const held = await HeldTask.start('docker', daemon);
    const record = join(held.scene.storage, 'runs', await held.id(), 'specification-1', runFiles.exit);
    daemon.freeze();
    held.release();
    await expect
      .poll(() => existsSync(record), { timeout: 30_000 })
      .toBe(true)
      .finally(() => daemon.thaw());
    await held.host.event('gate.opened');
    expect(runsOf(await held.finish())).toEqual(['specification 1 success']);
  }, 60_000);

  // Takes the minute after which an engine counts as silent.
  test.each(isFull ? (['cancel'] as const) : [])(
    'and says nothing for minutes: a %s is tried again until it is heard',
    async () => {
      const held = await HeldTask.start('docker', daemon);
      daemon.freeze();
      const cancelling = held.scene.host('cancel', await held.id());
      await expect
        .poll(() => held.host.stderr, { timeout: 150_000, interval: 1_000 })
        .toContain('run.stop-failed')
        .finally(() => daemon.thaw());
      await held.scene.done(cancelling, 0);
      expect((await held.scene.done(held.host, 2)).finals()).toMatchObject([{ outcome: 'cancelled' }]);
      await held.leavesNothing();
      held.release();
    },
    240_000,
  );

  // Takes the minute after which an engine counts as silent, at the start and with the look after it.
  test.each(isFull ? (['hears of it late'] as const) : [])(
    'and is silent while a run is started: one that %s runs it once, and no second one beside it',
    async () => {
      let freezes: () => void = () => {};
      const frozen = new Promise<void>((resolve) => (freezes = resolve));
      let asked: () => void = () => {};
      const nextRequest = new Promise<void>((resolve) => (asked = resolve));
      let state: 'before' | 'frozen' = 'before';
      const proxy = await InterceptingProxy.open(`${daemon.socket}.proxy`, daemon.socket, (text) => {
        if (state === 'frozen') asked();
        // The order to start the run: the only thing that is written to a container.
        if (state === 'before' && text.endsWith(' ;\n')) {
          daemon.freeze();
          state = 'frozen';
          freezes();
        }
      });
      const { bridgeAddress, image } = daemon;
      const starting = HeldTask.start('docker', { host: `unix://${proxy.path}`, bridgeAddress, image });
      await frozen;
      await nextRequest.finally(() => daemon.thaw());
      const held = await starting;
      held.release();
      expect(runsOf(await held.finish())).toEqual(['specification 1 success']);
    },
    240_000,
  );

  // Last: from here on the engine keeps nothing.
  test.each(isFull ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const))(
    'and takes its containers along by %s: the stage is run again, in a new one',
    async (signal) => {
      await daemon.kill('SIGTERM');
      await daemon.start('die-with-it');
      const held = await HeldTask.start('docker', daemon);
      await daemon.kill(signal);
      await daemon.start('die-with-it');
      held.release();
      const task = await held.finish();
      expect(runsOf(task)).toEqual(['specification 1 killed', 'specification 2 success']);
    },
  );
});
