import { expect, onTestFinished, test } from 'vitest';
import { EffectScene, type SceneWorld } from '../../support/effectScene.ts';

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
