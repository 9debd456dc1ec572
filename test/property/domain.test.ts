import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBudgetSpent } from '../../src/engine/domain/budget.ts';
import { evolve } from '../../src/engine/domain/evolve.ts';
import type { EventType } from '../../src/engine/domain/events.ts';
import { emptyState } from '../../src/engine/domain/state.ts';
import { isExecuting, isFinal } from '../../src/engine/domain/task.ts';
import { checkContexts, checkInvariants, DomainWorld } from '../support/domainWorld.ts';
import { moves } from '../support/domainMoves.ts';

const runs = { numRuns: 300 };

describe('the pure core, under any sequence of commands, outcomes, echoes and clock steps', () => {
  it('never executes more than two tasks or than the cap allows, never leases a slot twice, and never leaves a task stuck', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) {
          world.move(move);
          checkInvariants(world);
        }
      }),
      runs,
    );
  });

  it('never leaves a final state', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        const ended = new Map<string, string>();
        for (const move of sequence) {
          world.move(move);
          for (const task of world.state.tasks.values()) {
            const earlier = ended.get(task.id);
            if (earlier !== undefined) expect(task.phase.type).toBe(earlier);
            if (isFinal(task)) ended.set(task.id, task.phase.type);
          }
        }
      }),
      runs,
    );
  });

  it('gives the same state when its events are replayed', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        const replayed = world.events.reduce(evolve, emptyState);
        expect([...replayed.tasks.values()]).toEqual([...world.state.tasks.values()]);
        expect(replayed.allocation).toEqual(world.state.allocation);
      }),
      runs,
    );
  });

  it('starts every run on the accepted context and on no other', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        checkContexts(world.events);
      }),
      runs,
    );
  });

  it('starts no run of a task whose budget is spent, until a person lets it have more', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        let state = emptyState;
        for (const event of world.events) {
          const task = state.tasks.get(event.taskId);
          if (event.type === 'run.started' && task !== undefined) expect(isBudgetSpent(task)).toBe(false);
          state = evolve(state, event);
          const before = task?.budgetFromUsd ?? 0;
          // Only a person's move lets it have more, and only one who was told.
          if ((state.tasks.get(event.taskId)?.budgetFromUsd ?? before) !== before)
            expect([task?.phase, event.type]).toMatchObject([
              { type: 'attention', failure: { code: 'budget' } },
              'task.queued',
            ]);
        }
      }),
      runs,
    );
  });

  it('brings nothing of a board to execution before a person starts it', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        const started = new Set<string>();
        for (const move of sequence) {
          const before = world.commands.length;
          world.move(move);
          for (const { command } of world.commands.slice(before))
            if ('taskId' in command && ['resume', 'retry', 'send-back'].includes(command.type))
              started.add(command.taskId);
        }
        const imported = new Set(
          world.events.filter(({ type }) => type === 'task.imported').map(({ taskId }) => taskId),
        );
        for (const { type, taskId } of world.events)
          if (type === 'task.admitted' && imported.has(taskId)) expect(started).toContain(taskId);
      }),
      runs,
    );
  });

  it('lets a task come to rest wherever it was when its storage moves', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        for (const before of world.state.tasks.values()) {
          world.arrive(before.id);
          const after = world.state.tasks.get(before.id);
          expect(after === undefined || isExecuting(after) || after.phase.type === 'queued').toBe(false);
          expect(after?.runs.some(({ status }) => status === 'running')).toBe(false);
          if (isFinal(before)) expect(after).toEqual(before);
        }
        expect(world.state.allocation.executing).toEqual([]);
        expect(world.state.queue).toEqual([]);
        expect(Object.values(world.state.allocation.slots).some(({ type }) => type === 'leased')).toBe(false);
      }),
      runs,
    );
  });

  it('completes every task when every outcome is good', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 2 }), (count, atMost) => {
        const world = new DomainWorld();
        world.move({ type: 'limit', atMost });
        for (let index = 0; index < count; index += 1)
          world.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 1 });
        for (let step = 0; step < 200; step += 1) {
          const effect = [...world.outbox.values()].find(({ type }) => type !== 'expire-lease');
          if (effect === undefined) break;
          world.carryOut(effect, { outcome: 'good', code: 'internal', finding: 0, random: 0 });
          checkInvariants(world);
        }
        expect([...world.state.tasks.values()].map(({ phase }) => phase.type)).toEqual(
          Array.from({ length: count }, () => 'completed'),
        );
      }),
    );
  });
});

describe('the random sequences themselves', () => {
  it('reach every kind of event, so the properties above are about all of them', () => {
    const seen = new Set<string>();
    for (const sequence of fc.sample(moves, { numRuns: 600, seed: 7 })) {
      const world = new DomainWorld();
      for (const move of sequence) world.move(move);
      for (const { type } of world.events) seen.add(type);
    }
    expect([...seen].toSorted()).toEqual(eventTypes.toSorted());
  });
});

const eventTypes: EventType[] = [
  'context.accepted',
  'gate.opened',
  'lease.released',
  'lease.releasing',
  'merge.failed',
  'merge.requested',
  'rework.requested',
  'run.cancelled',
  'run.completed',
  'run.failed',
  'run.started',
  'slot.blocked',
  'slot.unblocked',
  'task.accepted',
  'task.admitted',
  'task.advanced',
  'task.prioritized',
  'task.settings-changed',
  'specification.edited',
  'task.backoff',
  'task.cancelled',
  'task.completed',
  'task.created',
  'task.imported',
  'task.needs-attention',
  'task.parked',
  'task.paused',
  'task.queued',
  'task.sent-back',
  'task.stop-requested',
  'workspace.failed',
  'workspace.ready',
  'worktree.removed',
];
