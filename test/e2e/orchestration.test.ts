import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stages } from '../../src/engine/domain/stage.ts';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import type { WireTask } from '../../src/engine/protocol/wire.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene, secret } from '../support/scene.ts';
import { requireDocker } from '../support/suites.ts';

const docker = await requireDocker();

function only(tasks: readonly WireTask[]): WireTask {
  const [task] = tasks;
  if (task === undefined || tasks.length > 1) throw new Error(`${tasks.length} tasks instead of one`);
  return task;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe.each<IsolationKind>(['process', 'docker'])('a task in %s isolation', (isolation) => {
  const test = it.skipIf(isolation === 'docker' && docker.skip);

  test('passes at first go, with everything on record, and is accepted by squash', async () => {
    const scene = await Scene.make(isolation, [sampleScript('Slug it', 'right-at-once')]);
    const before = await scene.git('rev-parse', 'main');
    const host = await scene.done(scene.task('run', 'Slug it'), 0);
    const task = only(host.finals());
    expect(task).toMatchObject({
      title: 'Slug it',
      status: 'inreview',
      outcome: 'completed',
      stage: 'qa',
      reason: null,
    });
    expect(task.stages.map(({ type, status, outcome, attempt }) => [type, status, outcome, attempt])).toEqual(
      stages.map((stage) => [stage, 'completed', 'success', 1]),
    );
    const [specification, implementation, qa] = task.stages;
    expect(implementation?.input_digests).toContain(specification?.output_digest);
    expect(qa?.input_digests).toEqual(
      expect.arrayContaining([specification?.output_digest, implementation?.output_digest]),
    );
    for (const stage of task.stages) {
      expect(stage.cost_usd).toBeGreaterThan(0);
      expect(stage.container_port).toBe(isolation === 'docker' ? 8081 : null);
    }
    expect(task.branch).toMatch(/^orchestrator\/[0-9a-f]{4}-slug-it$/);
    expect(await scene.git('rev-parse', 'main')).toBe(before);
    expect(await scene.git('diff', '--name-only', `main...${task.branch}`)).toBe('src/text.js\n');

    // What leaves the host: audit rows in one envelope, gapless, and nothing else but the last line.
    const events = host.lines.filter(({ type }) => type !== 'final');
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    for (const event of events) {
      expect(Object.keys(event)).toEqual(['seq', 'at', 'task_id', 'type', 'data']);
      expect(event.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }

    await scene.done(scene.host('accept', task.task_id.slice(0, 6)), 0);
    expect(await scene.git('log', '--format=%s', 'main')).toBe(
      'Slug it\nA tiny library, and a test for what it lacks\n',
    );
    expect(await scene.git('status', '--porcelain')).toBe('');
    expect((await scene.git('branch', '--format=%(refname:short)')).trim()).toBe('main');
    expect(await scene.show(task.task_id)).toMatchObject({ status: 'done', outcome: 'completed' });
    const verified = await scene.done(scene.host('audit', '--verify'), 0);
    expect(verified.lines).toEqual([{ ok: true, rows: events.length + 5, first_bad_row: null }]);

    // The credentials are in no file that the host or the CLI wrote.
    for (const path of await filesBelow(scene.storage))
      expect((await readFile(path)).includes(secret), path).toBe(false);
  });

  test('goes back to implementation with QA’s findings, and then passes', async () => {
    const scene = await Scene.make(isolation, [sampleScript('Slug it', 'mended-after-qa')]);
    // The tests of the sample would find the fault before QA does.
    const host = await scene.done(
      scene.task('run', 'Slug it', '--test-command', 'node --check src/text.js'),
      0,
    );
    const task = only(host.finals());
    expect(task.stages.map(({ type, outcome, attempt }) => [type, outcome, attempt])).toEqual([
      ['specification', 'success', 1],
      ['implementation', 'success', 1],
      ['qa', 'qa-failed', 1],
      ['implementation', 'success', 2],
      ['qa', 'success', 2],
    ]);
    const [, first, verdict, second, last] = task.stages;
    expect(second?.input_digests).toEqual(
      expect.arrayContaining([first?.output_digest, verdict?.output_digest]),
    );
    expect(last?.input_digests).toContain(second?.output_digest);
    expect(await scene.git('show', `${task.branch}:src/text.js`)).toContain('throw new TypeError');
  });

  test('goes back with the tests’ own output when they fail, without asking the model to judge', async () => {
    const scene = await Scene.make(isolation, [sampleScript('Slug it', 'mended-after-tests')]);
    const host = await scene.done(scene.task('run', 'Slug it'), 0);
    const task = only(host.finals());
    expect(task.stages.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['specification', 'success'],
      ['implementation', 'success'],
      ['qa', 'tests-failed'],
      ['implementation', 'success'],
      ['qa', 'success'],
    ]);
    expect(task.stages[2]).toMatchObject({ cost_usd: 0, session_id: null });
    const contexts = await scene.done(scene.host('context', task.task_id, '--stage', 'qa'), 0);
    expect(JSON.stringify(contexts.lines[0])).toContain('slugify takes text only');
  });

  test('starts the third task by itself when one of two ends', async () => {
    const barriers = [new Barrier(), new Barrier()];
    const titles = ['First task', 'Second task', 'Third task'];
    const scripts = titles.map((title, index) =>
      sampleScript(title, 'right-at-once', ({ stage, turn }) =>
        stage === 'implementation' && turn === 0 ? (barriers[index]?.pass() ?? null) : null,
      ),
    );
    const scene = await Scene.make(isolation, scripts);
    for (const title of titles) await scene.done(scene.task('add', title), 0);
    const host = scene.host('resume');
    await Promise.all(barriers.map(({ reached }) => reached));
    const admitted = (): unknown[] =>
      host.lines.filter(({ type }) => type === 'task.admitted').map(({ task_id }) => task_id);
    expect(new Set(admitted()).size).toBe(2);
    barriers[0]?.open();
    const completed = await host.event('task.completed');
    await host.until(
      (line) => line.type === 'task.admitted' && !admitted().slice(0, 2).includes(line.task_id),
    );
    const ended = host.lines.indexOf(completed);
    const third = host.lines.findIndex(
      (line) => line.type === 'task.admitted' && !admitted().slice(0, 2).includes(line.task_id),
    );
    expect(third).toBeGreaterThan(ended);
    barriers[1]?.open();
    await scene.done(host, 0);
    expect(host.finals().map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed']);
    const ports = host
      .finals()
      .flatMap(({ stages: runs }) => runs.map(({ container_port }) => container_port));
    if (isolation === 'docker') expect(new Set(ports)).toEqual(new Set([8081, 8082, 8083]));
  });

  test('waits for approval of the specification, and goes on when it is given', async () => {
    const scene = await Scene.make(isolation, [sampleScript('Slug it', 'right-at-once')]);
    const waiting = only(
      (await scene.done(scene.task('run', 'Slug it', '--gate', 'specification'), 2)).finals(),
    );
    expect(waiting).toMatchObject({ outcome: 'waiting', status: 'inreview', stage: 'specification' });
    expect(waiting.stages).toHaveLength(1);
    await scene.done(scene.host('approve', waiting.task_id), 0);
    expect(await scene.show(waiting.task_id)).toMatchObject({ status: 'todo' });
    const task = only((await scene.done(scene.host('resume'), 0)).finals());
    expect(task.outcome).toBe('completed');
    expect(task.stages[1]?.input_digests).toContain(waiting.stages[0]?.output_digest);
  });

  test.each(stages)('is cancelled in %s from another process, and leaves nothing running', async (stage) => {
    const barrier = new Barrier();
    const scene = await Scene.make(isolation, [
      sampleScript('Slug it', 'right-at-once', (turn) =>
        turn.stage === stage && turn.turn === 0 ? barrier.pass() : null,
      ),
    ]);
    const host = scene.task('run', 'Slug it');
    await barrier.reached;
    const { task_id: id } = await host.event('task.created');
    await scene.done(scene.host('cancel', id), 0);
    const task = only((await scene.done(host, 2)).finals());
    expect(task).toMatchObject({ outcome: 'cancelled', status: 'cancelled' });
    expect(task.stages.at(-1)).toMatchObject({ type: stage, status: 'cancelled', outcome: 'cancelled' });
    barrier.open();
    const leases = host.lines.filter(({ type }) => type === 'lease.released');
    expect(leases).toHaveLength(1);
  });

  test('is adopted by the next engine when the host is killed, and asks the model nothing twice', async () => {
    const barrier = new Barrier();
    const scene = await Scene.make(isolation, [
      sampleScript('Slug it', 'right-at-once', ({ stage, turn }) =>
        stage === 'implementation' && turn === 1 ? barrier.pass() : null,
      ),
    ]);
    const host = scene.task('run', 'Slug it');
    await barrier.reached;
    host.child.kill('SIGKILL');
    await host.ended;
    const resumed = scene.host('resume');
    barrier.open();
    const task = only((await scene.done(resumed, 0)).finals());
    expect(task.stages.map(({ attempt, outcome }) => [attempt, outcome])).toEqual(
      stages.map(() => [1, 'success']),
    );
    // Two reads and the answer; read, edit, test and the answer; a read and the verdict.
    expect(scene.api.conversation).toHaveLength(3 + 4 + 2);
    const verified = await scene.done(scene.host('audit', '--verify'), 0);
    expect(verified.lines[0]).toMatchObject({ ok: true });
  });
});
