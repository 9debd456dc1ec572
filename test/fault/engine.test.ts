import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import {
  expectAllOnRecord,
  expectAskedOnce,
  expectNothingLeft,
  expectOutputWhole,
} from '../support/aftermath.ts';
import { isFull } from '../support/faultNumbers.ts';
import { HeldTask, runsOf } from '../support/heldTask.ts';
import type { HostProcess } from '../support/hostProcess.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene } from '../support/scene.ts';
import { requireDocker } from '../support/suites.ts';

const docker = await requireDocker();

/** Kills for each isolation, and how many of them one task has to bear. */
const kills = isFull ? 40 : 4;
const killsOfOneTask = 4;

/** From one step until well into the next: a start takes 0.5 s, a played stage 3 s. */
const longestLifeMs = 3_000;

/** Numbers from 0 to 1 that look random and are the same in every run: a moment that did harm can be had again. */
function* chances(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

/** Until it has told of so many steps and a time has passed, or to its end. The moment is what is tried out here. */
async function liveAWhile(host: HostProcess, steps: number, ms: number): Promise<void> {
  const told = () => host.lines.filter(({ type }) => stepTypes.has(type)).length;
  const living = steps === 0 ? delay(ms) : host.until(() => told() >= steps).then(() => delay(ms));
  await Promise.race([living, host.ended]).catch(() => undefined);
}

const stepTypes = new Set<string>(['workspace.ready', 'run.started', 'run.completed']);

describe.each<IsolationKind>(['process', 'docker'])('an engine with %s isolation', (isolation) => {
  const test = it.skipIf(isolation === 'docker' && docker.skip);

  test(`is killed ${kills} times at any moment: nothing is lost, doubled or left over`, async () => {
    const chance = chances(isolation === 'docker' ? 8_081 : 4_711);
    const attempts = [];
    let killed = 0;
    while (killed < kills) {
      const scene = await Scene.make(isolation, [sampleScript('Slug it', 'right-at-once')]);
      await scene.done(scene.task('add', 'Slug it'), 0);
      const hosts: HostProcess[] = [];
      for (const bearsUntil = killed + killsOfOneTask; killed < bearsUntil && killed < kills; killed += 1) {
        const host = scene.host('resume');
        hosts.push(host);
        await liveAWhile(host, Math.floor(chance.next().value * 3), chance.next().value * longestLifeMs);
        host.child.kill('SIGKILL');
        // One that came to its end before that shows that the task did too.
        if ((await host.ended) !== null) break;
      }
      const last = scene.host('resume');
      hosts.push(last);
      await scene.done(last, 0);
      const [added] = (await scene.done(scene.host('tasks'), 0)).lines;
      const task = await scene.show(String(added?.task_id));
      expect(task).toMatchObject({ outcome: 'completed' });
      attempts.push(runsOf(task));
      await scene.done(scene.host('accept', task.task_id), 0);
      await expectAllOnRecord(scene, hosts);
      expectAskedOnce(scene);
      await expectOutputWhole(scene);
      await expectNothingLeft(scene);
    }
    process.stdout.write(`${kills} kills, ${isolation}: ${JSON.stringify(attempts)}\n`);
  }, 1_800_000);

  test('is sent SIGTERM, then SIGINT: the run goes on without it and is followed by the next', async () => {
    const held = await HeldTask.start(isolation);
    let host = held.host;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      host.child.kill(signal);
      await held.scene.done(host, 130);
      expect(host.stderr).toContain('`orchestrator resume` follows it again');
      host = await held.resume();
    }
    held.release();
    expect(runsOf(await held.finish(host))).toEqual(['specification 1 success']);
  });

  test('sleeps through the end of a run, keeps its storage meanwhile, and goes on when it wakes', async () => {
    const held = await HeldTask.start(isolation);
    const { host, scene } = held;
    host.child.kill('SIGSTOP');
    // Longer than the CLI has to show a first sign of life, which is the shortest of all patience with a run.
    if (isFull) await delay(35_000);
    held.release();
    const exitRecord = join(scene.storage, 'runs', await held.id(), 'specification-1', 'exit.json');
    await expect.poll(() => existsSync(exitRecord), { timeout: 60_000 }).toBe(true);
    const second = scene.host('resume');
    await scene.done(second, 4);
    expect(second.stderr).toContain(`orchestrator run (process ${host.child.pid}`);
    host.child.kill('SIGCONT');
    expect(runsOf(await held.finish())).toEqual(['specification 1 success']);
  });
});
