import { describe, expect, it } from 'vitest';
import { budgetLeftUsd } from '../../../src/engine/domain/budget.ts';
import type { Effect } from '../../../src/engine/domain/effects.ts';
import type { PersonCommand } from '../../../src/engine/domain/commands.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { DomainWorld } from '../../support/domainWorld.ts';

/** One task in a world where each run costs half a dollar. */
class BudgetWorld extends DomainWorld {
  constructor(maxBudgetUsd: number | null) {
    super();
    this.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 2, maxBudgetUsd });
  }

  get task(): Task {
    const [found] = this.state.tasks.values();
    if (found === undefined) throw new Error('no task');
    return found;
  }

  get runs(): readonly string[] {
    return this.task.runs.map(({ stage, attempt, status }) => `${stage} ${attempt} ${status}`);
  }

  step(type: Effect['type'], outcome: 'good' | 'bad' = 'good'): void {
    const effect = [...this.outbox.values()].find((each) => each.type === type);
    if (effect === undefined) throw new Error(`no open ${type}`);
    this.carryOut(effect, { outcome, code: 'internal', finding: 0, random: 0 });
  }

  person(type: 'retry' | 'advance' | 'cancel'): void {
    const command: PersonCommand = { type, taskId: this.task.id };
    expect(this.dispatch(command)).toBeNull();
  }
}

describe('a task with a budget of its own', () => {
  it('is held when it is spent, before the next stage, and says what leads on', () => {
    const world = new BudgetWorld(1);
    world.step('prepare');
    world.step('run');
    expect(budgetLeftUsd(world.task)).toBe(0.5);
    world.step('run');
    expect(world.runs).toEqual(['specification 1 completed', 'implementation 1 completed']);
    expect(world.task.phase).toEqual({
      type: 'attention',
      failure: {
        code: 'budget',
        message: 'The task has spent its budget of $1.00; it has cost $1.00 in all.',
        remedy: 'Retry it to let it spend $1.00 more, give it another budget in its settings, or cancel it.',
      },
    });
    expect(world.state.allocation.executing).toEqual([]);
  });

  it('goes on with the stage that could not begin, for as much again, when a person retries it', () => {
    const world = new BudgetWorld(1);
    world.step('prepare');
    world.step('run');
    world.step('run');
    world.person('retry');
    expect(budgetLeftUsd(world.task)).toBe(1);
    world.step('prepare');
    world.step('run', 'bad');
    expect(world.runs.at(-1)).toBe('implementation 2 running');
    world.step('run');
    expect(world.task.phase).toMatchObject({ type: 'attention', failure: { code: 'budget' } });
    world.person('retry');
    world.step('prepare');
    world.step('run');
    expect(world.task.phase.type).toBe('completed');
  });

  it('goes on with QA, and not past it, when a person advances what could not begin', () => {
    const world = new BudgetWorld(1);
    world.step('prepare');
    world.step('run');
    world.step('run');
    expect(world.task).toMatchObject({ stage: 'qa', phase: { failure: { code: 'budget' } } });
    world.person('advance');
    expect(world.task.phase).toMatchObject({ type: 'preparing' });
    expect(budgetLeftUsd(world.task)).toBe(1);
    world.step('prepare');
    world.step('run');
    expect(world.runs.at(-1)).toBe('qa 1 completed');
    expect(world.task.phase.type).toBe('completed');
  });

  it('is not given more by a retry of another failure while there is some left', () => {
    const world = new BudgetWorld(1.2);
    world.step('prepare');
    world.step('run', 'bad');
    expect(world.task.phase).toMatchObject({ type: 'attention', failure: { code: 'internal' } });
    world.person('retry');
    expect(budgetLeftUsd(world.task)).toBeCloseTo(0.7);
  });

  it('is not given more by a retry of another failure, though that one spent the last of it: first it is told', () => {
    const world = new BudgetWorld(0.5);
    world.step('prepare');
    world.step('run', 'bad');
    expect(world.task.phase).toMatchObject({ type: 'attention', failure: { code: 'internal' } });
    world.person('retry');
    expect(budgetLeftUsd(world.task)).toBe(0);
    world.step('prepare');
    expect(world.task.phase).toMatchObject({ type: 'attention', failure: { code: 'budget' } });
    expect(world.runs).toEqual(['specification 1 failed']);
    world.person('retry');
    expect(budgetLeftUsd(world.task)).toBe(0.5);
  });

  it('holds rework too, and a task that is held can be cancelled', () => {
    const world = new BudgetWorld(1.5);
    world.step('prepare');
    for (const outcome of ['good', 'good', 'bad'] as const) world.step('run', outcome);
    expect(world.task).toMatchObject({ stage: 'implementation', phase: { failure: { code: 'budget' } } });
    world.person('cancel');
    expect(world.task.phase.type).toBe('cancelled');
  });
});

it('without one a task is held by nothing but its stages', () => {
  const world = new BudgetWorld(null);
  world.step('prepare');
  for (let stage = 0; stage < 3; stage += 1) world.step('run');
  expect(world.task.phase.type).toBe('completed');
  expect(budgetLeftUsd(world.task)).toBeNull();
});
