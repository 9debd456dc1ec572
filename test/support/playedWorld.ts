import type { Effect } from '../../src/engine/domain/effects.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { DomainWorld } from './domainWorld.ts';

const good = { outcome: 'good', code: 'internal', finding: 0, random: 0 } as const;

export function world(...gated: readonly boolean[]): DomainWorld {
  const made = new DomainWorld();
  for (const each of gated) made.move({ type: 'create', gated: each, priority: 0, maxQaRounds: 2 });
  return made;
}

export function task(of: DomainWorld, index = 0): Task {
  const id = of.taskIds[index];
  const found = id === undefined ? undefined : of.state.tasks.get(id);
  if (found === undefined) throw new Error(`no task ${index}`);
  return found;
}

export function effect(of: DomainWorld, type: Effect['type'], index = 0): Effect {
  const found = [...of.outbox.values()].find(
    (each) => each.type === type && each.taskId === of.taskIds[index],
  );
  if (found === undefined) throw new Error(`no open ${type} of task ${index}`);
  return found;
}

/** Carries out the task's open effect of this type. */
export function step(
  of: DomainWorld,
  type: Effect['type'],
  index = 0,
  outcome: Partial<typeof good> | object = {},
): void {
  of.carryOut(effect(of, type, index), { ...good, ...outcome });
}

export function toCompleted(of: DomainWorld, index = 0): void {
  step(of, 'prepare', index);
  for (let stage = 0; stage < 3; stage += 1) step(of, 'run', index);
}
