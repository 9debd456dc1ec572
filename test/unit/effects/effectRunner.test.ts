import { describe, expect, onTestFinished, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { EffectScene, type SceneWorld } from '../../support/effectScene.ts';
import { FakeWorkspace } from '../../support/fakeWorkspace.ts';

const failed = {
  type: 'failed',
  failure: { code: 'turns', message: 'x' },
  sessionId: null,
  costUsd: 0.5,
  cliVersion: null,
} as const;

async function scene(world: SceneWorld, directory?: string): Promise<EffectScene> {
  const opened = await EffectScene.open(world, directory);
  onTestFinished(() => opened.close());
  return opened;
}

test.each([-1, Number.NaN])(
  'a report that the database refuses (a cost of %d) fails its run alone',
  async (costUsd) => {
    const failure = { code: 'turns', message: 'x' } as const;
    const broken = await scene({
      stage: async () => ({ type: 'failed', failure, sessionId: null, costUsd, cliVersion: null }),
    });
    const task = await broken.when(await broken.create(), ({ phase }) => phase.type === 'attention');
    expect(task.phase).toMatchObject({
      failure: { code: 'internal', message: expect.stringContaining('cost_usd') },
    });
    expect(task.runs).toMatchObject([{ status: 'failed', outcome: 'internal', costUsd: 0 }]);
    // And the next task is taken on.
    await broken.when(await broken.create(), ({ phase }) => phase.type === 'attention');
  },
);

describe('a run whose program goes on', () => {
  const away = new OrchestratorError('environment', 'Docker is not there.');

  /** A task with a run that the engine before has started. */
  async function begun() {
    const first = await EffectScene.open({});
    const id = await first.create();
    const runDir = await first.launched(id);
    first.close();
    return { id, runDir, directory: first.directory };
  }

  test('out of reach is not given up, and taken up once its workspace can be had', async () => {
    const { id, directory } = await begun();
    const workspace = new FakeWorkspace(directory);
    let tries = 0;
    const next = await scene(
      {
        acquire: async () => {
          tries += 1;
          if (tries < 3) throw away;
          return workspace;
        },
        stage: async () => failed,
      },
      directory,
    );
    for (const count of [1, 2]) {
      await expect.poll(() => tries).toBe(count);
      expect(next.service.task(id)?.phase.type).toBe('running');
      await next.clock.waited();
      next.clock.set(next.clock.now() + 10_000);
    }
    const task = await next.when(id, ({ phase }) => phase.type === 'attention');
    expect(task.runs).toMatchObject([{ outcome: 'turns', costUsd: 0.5 }]);
  });

  test('out of reach is not told to be paused before it is', async () => {
    const { id, runDir, directory } = await begun();
    const workspace = new FakeWorkspace(directory);
    workspace.starts.push({ runDir, argv: ['claude'], stdin: '', env: {}, timeoutMs: 1 });
    let isAway = true;
    const next = await scene(
      {
        acquire: async () => {
          if (isAway) throw away;
          return workspace;
        },
        stage: async () => failed,
      },
      directory,
    );
    await next.clock.waited();
    expect(await next.service.dispatch({ type: 'pause', taskId: id })).toBeNull();
    // Both the run and the stop wait for their next try.
    await next.clock.waited(2);
    expect(next.service.task(id)?.phase.type).toBe('stopping');
    isAway = false;
    next.clock.set(next.clock.now() + 10_000);
    await next.when(id, ({ phase }) => phase.type === 'paused');
    expect(workspace.stops).toContain(runDir);
  });

  test('is ended before its failure is told', async () => {
    let runDir = '';
    const world = await scene({
      acquire: async () => workspace,
      stage: async () => {
        runDir = await world.launched(id);
        workspace.starts.push({ runDir, argv: ['claude'], stdin: '', env: {}, timeoutMs: 1 });
        throw new Error('ENFILE: too many open files');
      },
    });
    const workspace = new FakeWorkspace(world.directory);
    const id = await world.create();
    const { phase } = await world.when(id, (task) => task.phase.type === 'attention');
    expect(phase).toMatchObject({ failure: { code: 'internal' } });
    expect(workspace.stops).toContain(runDir);
  });
});

test('a worktree that cannot be removed is kept, and the task settled', async () => {
  const remove = () => Promise.reject(new Error("EPERM: operation not permitted, chmod '/worktrees/x/data'"));
  const world = await scene({ stage: async () => failed, remove });
  const id = await world.create();
  await world.when(id, ({ phase }) => phase.type === 'attention');
  const told: unknown[] = [];
  world.service.subscribe((notice) => {
    if (notice.type === 'committed') told.push(...notice.rows);
  });
  expect(await world.service.dispatch({ type: 'cancel', taskId: id })).toBeNull();
  await world.service.settled(id);
  const reason = /^The worktree "\/worktrees\/x" could not be removed: EPERM: .* Remove the folder yourself/;
  expect(told).toContainEqual(
    expect.objectContaining({
      type: 'worktree.kept',
      data: { path: '/worktrees/x', reason: expect.stringMatching(reason) },
    }),
  );
});

test('a run whose workspace cannot be had and that never began has failed', async () => {
  const world = await scene({
    acquire: () => Promise.reject(new OrchestratorError('environment', 'Docker is not there.')),
  });
  const { phase } = await world.when(await world.create(), (task) => task.phase.type === 'attention');
  expect(phase).toMatchObject({ failure: { code: 'environment' } });
});
