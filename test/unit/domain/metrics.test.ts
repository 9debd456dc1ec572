import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../../src/engine/domain/metrics.ts';
import { DomainWorld } from '../../support/domainWorld.ts';

const good = { outcome: 'good', code: 'internal', finding: 0, random: 0 } as const;

/** Two tasks that complete, one after the other's stages, a second for each step. */
function history(): DomainWorld {
  const world = new DomainWorld();
  for (let index = 0; index < 2; index += 1)
    world.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 1 });
  for (;;) {
    const effect = [...world.outbox.values()].find(({ type }) => type !== 'expire-lease');
    if (effect === undefined) return world;
    world.now += 1000;
    world.carryOut(effect, good);
  }
}

describe('the success measures', () => {
  it('are computed from the records', () => {
    const { state, events } = history();
    const measured = metricsOf([...state.tasks.values()], events, () => true);
    expect(measured).toMatchObject({
      completionRate: 1,
      contextPreservation: 1,
      interventionRate: 0,
      tasks: 2,
      costUsd: 3,
    });
    expect(measured.averageStageMs).toBeGreaterThan(0);
    expect(measured.utilization).toBeGreaterThan(0.5);
    expect(measured.utilization).toBeLessThanOrEqual(1);
  });

  it('fall when a context is not in the database any more', () => {
    const { state, events } = history();
    const tasks = [...state.tasks.values()];
    const lost = tasks[0]?.runs[0]?.outputDigest;
    // Of six contexts per task (1 + 2 + 3), the lost one was given to two runs.
    expect(metricsOf(tasks, events, (digest) => digest !== lost).contextPreservation).toBeCloseTo(10 / 12);
  });

  it('count a task that needed a person', () => {
    const world = new DomainWorld();
    world.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 1 });
    const open = (type: string) => [...world.outbox.values()].filter((effect) => effect.type === type);
    for (const effect of open('prepare')) world.carryOut(effect, good);
    for (const effect of open('run'))
      world.carryOut(effect, { ...good, outcome: 'bad', code: 'authentication' });
    const measured = metricsOf([...world.state.tasks.values()], world.events, () => true);
    expect(measured).toMatchObject({ interventionRate: 1, completionRate: 0 });
  });

  it('say nothing where nothing happened', () => {
    expect(metricsOf([], [], () => true)).toMatchObject({
      completionRate: null,
      averageStageMs: null,
      utilization: null,
    });
  });
});
