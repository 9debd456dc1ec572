import * as fc from 'fast-check';
import { maxExecuting } from '../../src/engine/domain/allocation.ts';
import { describe, expect, it } from 'vitest';
import type { PersonCommand } from '../../src/engine/domain/commands.ts';
import { decide } from '../../src/engine/domain/decide.ts';
import { evolve } from '../../src/engine/domain/evolve.ts';
import { emptyState, type State } from '../../src/engine/domain/state.ts';
import { isFinal, type Phase, type Task } from '../../src/engine/domain/task.ts';
import { moves } from '../support/domainMoves.ts';
import { checkInvariants, DomainWorld } from '../support/domainWorld.ts';

const runs = { numRuns: 300 };

/** The one move that a person has where only a person can help; null where an event leads on by itself. */
const personsMove: Readonly<Record<Phase['type'], 'approve' | 'retry' | 'resume' | 'accept' | null>> = {
  queued: null,
  preparing: null,
  running: null,
  stopping: null,
  merging: null,
  backoff: null,
  parked: null,
  gate: 'approve',
  attention: 'retry',
  paused: 'resume',
  completed: 'accept',
  done: null,
  cancelled: null,
};

/** Only what waits for nobody may hold one of the two executions; written down here once more, apart from the core. */
const executingPhases: readonly Phase['type'][] = ['preparing', 'running', 'stopping'];

describe('no one waits forever', () => {
  it('from wherever the world got to, good outcomes and the moves named to a person bring every task to its end', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        bringToEnd(world);
        expect([...world.state.tasks.values()].filter((task) => !isFinal(task))).toEqual([]);
        // What is left open is about containers nobody uses, and ends by itself too.
        expect([...world.outbox.values()].map(({ type }) => type)).toEqual([]);
      }),
      runs,
    );
  });

  it('a task in backoff, parked or waiting for a person holds no execution, and whatever can start has started', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) {
          world.move(move);
          const { tasks, allocation, queue } = world.state;
          for (const id of allocation.executing) expect(executingPhases).toContain(tasks.get(id)?.phase.type);
          // A person may ask for any cap; more than two is never given.
          const most = Math.min(world.atMost, maxExecuting);
          if (queue.length === 0 || allocation.executing.length >= most) continue;
          expect(Object.values(allocation.slots).map(({ type }) => type)).not.toContain('free');
          const coming = [...world.outbox.values()].map(({ type }) => type);
          expect(coming.some((type) => type === 'release' || type === 'recheck-slot')).toBe(true);
        }
      }),
      runs,
    );
  });

  it('is admitted first who came first, within the highest priority', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) world.move(move);
        let state: State = emptyState;
        for (const event of world.events) {
          if (event.type === 'task.admitted') {
            const admitted = state.tasks.get(event.taskId);
            const before = [...state.tasks.values()].filter(
              (task) => task.phase.type === 'queued' && admitted !== undefined && precedes(task, admitted),
            );
            expect(before.map(({ title }) => title)).toEqual([]);
          }
          state = evolve(state, event);
        }
      }),
      runs,
    );
  });

  it('comes back from a backoff or a limit at its time, whatever reports of timers come, and no earlier', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const world = new DomainWorld();
        for (const move of sequence) {
          world.move(move);
          for (const { id: taskId, phase } of world.state.tasks.values()) {
            if (phase.type !== 'backoff' && phase.type !== 'parked') continue;
            const report = { type: 'wait-over', taskId } as const;
            const early = decide(world.state, report, phase.until - 1);
            expect(early).toMatchObject({ code: 'stale' });
            const inTime = decide(world.state, report, phase.until);
            expect(inTime).toMatchObject([{ type: 'task.queued' }]);
          }
        }
      }),
      runs,
    );
  });
});

function precedes(one: Task, other: Task): boolean {
  return (
    one.priority > other.priority || (one.priority === other.priority && one.createdAt < other.createdAt)
  );
}

/** Plays good outcomes and, where nothing happens by itself, the persons' moves. */
function bringToEnd(world: DomainWorld): void {
  for (let step = 0; step < 2_000; step += 1) {
    const effects = [...world.outbox.values()];
    // A container's deadline is an hour away; everything else happens before.
    const effect = effects.find(({ type }) => type !== 'expire-lease') ?? null;
    if (effect !== null) {
      const held = effect.type === 'stop' && effect.runId === null;
      const next = held ? effects.find(({ type }) => type === 'prepare') : effect;
      if (next === undefined) throw new Error('a stop waits for a preparation that nobody makes');
      world.carryOut(next, { outcome: 'good', code: 'internal', finding: 0, random: 0 });
    } else {
      const move = [...world.state.tasks.values()].map(moveFor).find((each) => each !== null);
      if (move !== undefined && move !== null) expect(world.dispatch(move)).toBeNull();
      else if (effects[0] === undefined) return;
      else world.carryOut(effects[0], { outcome: 'good', code: 'internal', finding: 0, random: 0 });
    }
    checkInvariants(world);
  }
  throw new Error('it goes on and on');
}

function moveFor({ id: taskId, phase }: Task): PersonCommand | null {
  const type = personsMove[phase.type];
  if (type === null) return null;
  return type === 'accept' ? { type, taskId, strategy: 'squash' } : { type, taskId };
}
