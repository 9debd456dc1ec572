import { emptyAllocation, type Slots } from '../../src/engine/domain/allocation.ts';
import type { PersonCommand, Rejection } from '../../src/engine/domain/commands.ts';
import { decide } from '../../src/engine/domain/decide.ts';
import { evolve } from '../../src/engine/domain/evolve.ts';
import { stateOf, type State } from '../../src/engine/domain/state.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { Engine, Records } from '../../src/engine/engine.ts';
import type { NewBundle, StoredBundle } from '../../src/engine/ports/store.ts';
import type { Session, SessionState } from '../../src/extension/session.ts';
import { EventEmitter } from './fakeVscode.ts';
import { noon } from './viewTasks.ts';

/** A window's session over the real decisions and nothing below: a person's moves change its tasks or are refused. */
export class DecidingSession implements Session {
  state: SessionState = { type: 'driving' };
  readonly repositoryPath = '/repository';
  readonly storagePath = '/storage';
  readonly dispatched: PersonCommand[] = [];
  readonly stored: StoredBundle[] = [];
  private readonly stateChanges = new EventEmitter<SessionState>();
  readonly onDidChangeState = this.stateChanges.event as Session['onDidChangeState'];
  readonly onNotice = new EventEmitter<never>().event as Session['onNotice'];
  readonly tasks: Session['tasks'];
  private readonly changes = new EventEmitter<readonly Task[]>();
  private current: State;
  private now = noon + 1_000_000;

  constructor(tasks: readonly Task[], slots: Slots = emptyAllocation.slots) {
    this.current = stateOf(tasks, { ...emptyAllocation, slots });
    this.tasks = {
      all: () => [...this.current.tasks.values()].toSorted((a, b) => b.createdAt - a.createdAt),
      get: (id) => this.current.tasks.get(id),
      slots: () => this.current.allocation.slots,
      onDidChange: this.changes.event,
    };
  }

  /** Ids in the order of admission. */
  get queue(): readonly string[] {
    return this.current.queue.map(({ taskId }) => this.current.tasks.get(taskId)?.title ?? '');
  }

  /** As when the engine opens: all tasks, and then how the session stands. */
  become(state: SessionState): void {
    this.changes.fire(this.tasks.all());
    this.state = state;
    this.stateChanges.fire(state);
  }

  store(bundle: NewBundle): void {
    const version = this.stored.filter(({ stage }) => stage === bundle.stage).length + 1;
    this.now += 1_000;
    this.stored.push({ ...bundle, version, createdAt: this.now });
  }

  engine(): Promise<Engine> {
    const refuse = (): Promise<never> => Promise.reject(new Error('not part of this test'));
    const records: Records = {
      task: (id) => Promise.resolve(this.current.tasks.get(id) ?? null),
      bundle: (digest) => Promise.resolve(this.stored.find((each) => each.digest === digest) ?? null),
      bundles: (id) => Promise.resolve(this.stored.filter(({ taskId }) => taskId === id)),
      taskIdsWithPrefix: refuse,
      tasks: refuse,
      audit: refuse,
      verifyAudit: refuse,
      damage: refuse,
    };
    return Promise.resolve({
      records,
      dispatch: (command, bundles) => Promise.resolve(this.dispatch(command, bundles)),
      settled: refuse,
      close: () => Promise.resolve(),
    });
  }

  dispose(): void {}

  private dispatch(command: PersonCommand, bundles: readonly NewBundle[]): Rejection | null {
    this.dispatched.push(command);
    this.now += 1;
    const decided = decide(this.current, command, this.now);
    if ('type' in decided) return decided;
    for (const bundle of bundles) this.store(bundle);
    this.current = decided.reduce(evolve, this.current);
    const changed = this.current.tasks.get(command.taskId);
    this.changes.fire(changed === undefined ? [] : [changed]);
    return null;
  }
}
