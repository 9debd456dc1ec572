import type { Rejection } from './commands.ts';
import type { DomainEvent, EventData, EventType } from './events.ts';
import { evolve } from './evolve.ts';
import type { TaskId } from './ids.ts';
import type { State } from './state.ts';
import type { Task } from './task.ts';

/** A decision in the making: each event is applied at once, so the next one is decided on the state it leads to. */
export class Decision {
  readonly events: DomainEvent[] = [];
  state: State;
  readonly now: number;

  constructor(state: State, now: number) {
    this.state = state;
    this.now = now;
  }

  emit<Type extends EventType>(type: Type, taskId: TaskId, data: EventData[Type]): void {
    // The mapped union ties `type` to `data`; TypeScript cannot see that through a type parameter.
    const event = { type, taskId, at: this.now, data } as DomainEvent;
    this.events.push(event);
    this.state = evolve(this.state, event);
  }

  /** The task as it is after the events so far. Only for ids that a command already checked. */
  task(id: TaskId): Task {
    const task = this.state.tasks.get(id);
    if (task === undefined) throw new RangeError(`No task ${id} in the state`);
    return task;
  }
}

export function reject(code: Rejection['code'], message: string): Rejection {
  return { type: 'rejected', code, message };
}

export const stale: Rejection = reject('stale', 'The report is about something that is over.');
