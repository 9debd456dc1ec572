import { describe, expect, it } from 'vitest';
import { budgetLeftUsd } from '../../../src/engine/domain/budget.ts';
import { DomainWorld } from '../../support/domainWorld.ts';
import { step, task, toCompleted, world } from '../../support/playedWorld.ts';

describe('a person', () => {
  it('changes the settings of a task for what has not begun', () => {
    const of = world(false);
    step(of, 'prepare');
    const before = task(of).settings;
    const settings = { ...before, testCommand: 'npm test', maxBudgetUsd: 20 };
    expect(of.dispatch({ type: 'change-settings', taskId: task(of).id, settings })).toBeNull();
    expect(task(of).settings).toEqual(settings);
    expect(task(of).phase.type).toBe('running');
    expect(of.events.findLast(({ type }) => type === 'task.settings-changed')?.data).toEqual({ settings });
  });

  it('records nothing where no setting is another', () => {
    const of = world(false);
    const { id, settings } = task(of);
    expect(of.dispatch({ type: 'change-settings', taskId: id, settings: { ...settings } })).toBeNull();
    expect(of.events.map(({ type }) => type)).not.toContain('task.settings-changed');
  });

  it.each([
    ['isolation', 'docker'],
    ['baseBranch', 'other'],
    ['setupCommand', 'npm ci'],
    ['copyFiles', ['.env']],
  ] as const)('keeps the %s that the worktree was made with', (name, value) => {
    const of = world(false);
    const change = () =>
      of.dispatch({
        type: 'change-settings',
        taskId: task(of).id,
        settings: { ...task(of).settings, [name]: value },
      });
    // It is being made already.
    expect(change()).toMatchObject({ code: 'not-now', message: expect.stringContaining(name) });
    toCompleted(of);
    expect(change()).toMatchObject({ code: 'not-now' });
    const waiting = world(false, false, false);
    const settings = { ...task(waiting, 2).settings, [name]: value };
    expect(waiting.dispatch({ type: 'change-settings', taskId: task(waiting, 2).id, settings })).toBeNull();
    expect(task(waiting, 2).settings[name]).toEqual(value);
  });

  it.each(['image', 'claudePath'] as const)('gives up a container that has another %s', (name) => {
    const of = world(false);
    step(of, 'prepare');
    const change = () =>
      of.dispatch({
        type: 'change-settings',
        taskId: task(of).id,
        settings: { ...task(of).settings, [name]: '/another' },
      });
    expect(change()).toMatchObject({ code: 'not-now' });
    for (let stage = 0; stage < 3; stage += 1) step(of, 'run');
    expect(change()).toBeNull();
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
  });

  it('goes on under a larger budget, of which what was spent is taken', () => {
    const of = new DomainWorld();
    of.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 2, maxBudgetUsd: 0.1 });
    step(of, 'prepare');
    step(of, 'run');
    expect(task(of).phase).toMatchObject({ type: 'attention', failure: { code: 'budget' } });
    const settings = { ...task(of).settings, maxBudgetUsd: 0.7 };
    of.dispatch({ type: 'change-settings', taskId: task(of).id, settings });
    of.dispatch({ type: 'retry', taskId: task(of).id });
    expect(budgetLeftUsd(task(of))).toBeCloseTo(0.2);
  });
});
