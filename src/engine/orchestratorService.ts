import type { Activity } from './claude/activity.ts';
import type { Command, ImportCommand, PersonCommand, Rejection, ReportCommand } from './domain/commands.ts';
import { decide } from './domain/decide.ts';
import { effectsOf, settledBy, type Effect } from './domain/effects.ts';
import type { DomainEvent } from './domain/events.ts';
import { evolve } from './domain/evolve.ts';
import type { LeaseId, TaskId } from './domain/ids.ts';
import { maxExecuting, slotPorts, type Slots } from './domain/allocation.ts';
import { stateOf, type State } from './domain/state.ts';
import { isFinal, type Run, type Task } from './domain/task.ts';
import type { EffectRunner } from './effects/effectRunner.ts';
import { Mailbox } from './mailbox.ts';
import type { Notice } from './notice.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { OrchestratorError } from './ports/errors.ts';
import type { Actor, ArchiveImport, AuditRow, NewBundle, Store } from './ports/store.ts';

/** Which tasks this engine moves along by itself: all, some, or none (it then only carries out what a person asks). */
export type Drive = 'all' | 'none' | readonly TaskId[];

/** Tasks of an import told in one notice: a follower's queue must not overflow. */
const toldAtOnce = 100;

/** Who carries effects out. */
type Effects = Pick<EffectRunner, 'issue' | 'settle' | 'detach'>;

export interface OrchestratorServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drive: Drive;
  /** How many tasks may execute at once; two unless said otherwise. */
  readonly atMost?: number;
}

/**
 * The engine's façade. A command is decided on the state, committed (event, projection, outbox: one transaction), and
 * only then are its effects carried out; their outcomes come back as commands. One command at a time.
 */
export class OrchestratorService {
  private readonly options: OrchestratorServiceOptions;
  private readonly mailbox = new Mailbox();
  private readonly listeners = new Set<(notice: Notice) => void>();
  private state: State;
  /** Effects without an outcome, by key: the outbox, in memory. */
  private readonly outbox: Map<string, Effect>;
  private lastAt: number;
  private effects: Effects | null = null;
  private drive: Drive;
  private atMost: number;
  /** Set when nothing more may be committed: closed, or the store failed. */
  private isOver = false;
  private isClosed = false;

  private constructor(
    options: OrchestratorServiceOptions,
    state: State,
    effects: readonly Effect[],
    lastAt: number,
  ) {
    this.options = options;
    this.drive = options.drive;
    this.atMost = options.atMost ?? maxExecuting;
    this.state = state;
    this.outbox = new Map(effects.map((effect) => [effect.key, effect]));
    this.lastAt = lastAt;
  }

  /** Loads what was; nothing moves before `start`. */
  static async open(options: OrchestratorServiceOptions): Promise<OrchestratorService> {
    const { tasks, allocation, effects, lastAt } = await options.store.load();
    const all = new Map(tasks.map((task) => [task.id, task]));
    // A final task matters as long as something of it is still to be done (its container, its worktree).
    for (const { taskId } of effects) {
      const task = all.has(taskId) ? null : await options.store.task(taskId);
      if (task !== null) all.set(taskId, task);
    }
    return new OrchestratorService(options, stateOf([...all.values()], allocation), effects, lastAt);
  }

  /** Issues every effect without an outcome again (each adopts what still runs) and begins to admit. */
  async start(effects: Effects): Promise<void> {
    this.effects = effects;
    await this.mailbox.run(async () => {
      for (const effect of this.outbox.values()) if (this.isWanted(effect)) effects.issue(effect);
      await this.admit();
    });
  }

  /** From now on at most so many tasks execute at once, never more than two. What executes already goes on. */
  async limit(atMost: number): Promise<void> {
    this.atMost = atMost;
    if (this.effects !== null) await this.mailbox.run(() => this.admit());
  }

  /** A person's move. Resolves when it is durable, or with the reason it was refused. */
  async dispatch(command: PersonCommand, bundles: readonly NewBundle[] = []): Promise<Rejection | null> {
    return this.mailbox.run(async () => {
      await this.bringIn(command.taskId);
      return this.transact(command, 'person', bundles);
    });
  }

  /** See `ImportingEngine.importTasks`. */
  async importTasks(
    command: ImportCommand,
    bundles: readonly NewBundle[] = [],
  ): Promise<Rejection | { readonly type: 'imported'; readonly taskIds: readonly TaskId[] }> {
    return this.mailbox.run(async () => {
      const fresh: ImportCommand['tasks'][number][] = [];
      const ids = new Set<TaskId>();
      for (const task of command.tasks) {
        if (ids.has(task.taskId) || (await this.isKnown(task.taskId))) continue;
        ids.add(task.taskId);
        fresh.push(task);
      }
      const own = bundles.filter(({ taskId }) => ids.has(taskId));
      const rejection = await this.transact({ ...command, tasks: fresh }, 'person', own);
      return rejection ?? { type: 'imported', taskIds: [...ids] };
    });
  }

  /** See `ImportingEngine.importArchive`. */
  async importArchive(path: string): Promise<ArchiveImport> {
    return this.mailbox.run(async () => {
      if (this.isOver) throw new OrchestratorError('environment', 'The engine is closing.');
      const now = Math.max(this.options.clock.now(), this.lastAt);
      const result = await this.options.store.importArchive(path, now);
      if (result.rows !== null) {
        this.lastAt = now;
        await this.tellArrivals(result.rows);
      }
      return result;
    });
  }

  /** The outcome of an effect. */
  async report(command: ReportCommand, bundles: readonly NewBundle[] = []): Promise<void> {
    await this.mailbox.run(async () => {
      const rejection = await this.transact(command, 'engine', bundles);
      if (rejection !== null)
        this.options.logger.debug('report.dropped', { type: command.type, why: rejection.message });
    });
  }

  /** The task as it is now; null for one that is not in memory (final, or unknown). */
  task(id: TaskId): Task | null {
    return this.state.tasks.get(id) ?? null;
  }

  /** Every task that is not final. */
  openTasks(): readonly Task[] {
    return [...this.state.tasks.values()].filter((task) => !isFinal(task));
  }

  /** True while something of the task is still to be done by itself: an effect is open, or it waits in the queue. */
  isMoving(id: TaskId): boolean {
    const task = this.state.tasks.get(id);
    if (task === undefined) return false;
    if (task.phase.type === 'queued') return this.admits(id);
    const idle = ['expire-lease', 'recheck-slot'];
    return [...this.outbox.values()].some(
      (effect) => effect.taskId === id && !idle.includes(effect.type) && this.isWanted(effect),
    );
  }

  /** Resolves when what a person's move set going has ended: a run stopping, a merge, a container or worktree going. */
  settled(id: TaskId): Promise<void> {
    const endings = ['stop', 'merge', 'release', 'clean-up'];
    return this.until(
      () =>
        ![...this.outbox.values()].some((effect) => effect.taskId === id && endings.includes(effect.type)),
    );
  }

  /** Leases that stand: whatever else carries this storage's mark was left over. */
  leases(): ReadonlySet<LeaseId> {
    const { slots } = this.state.allocation;
    return new Set(
      slotPorts.flatMap((port) => {
        const slot = slots[port];
        return slot.type === 'leased' || slot.type === 'releasing' ? [slot.leaseId] : [];
      }),
    );
  }

  /** Epoch ms of the newest event: time never runs backwards within a storage. */
  recordedUntil(): number {
    return this.lastAt;
  }

  slots(): Slots {
    return this.state.allocation.slots;
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onActivity(task: Task, run: Run, activity: Activity): void {
    this.publish({ type: 'activity', taskId: task.id, runId: run.id, activity });
  }

  /** Resolves when the condition holds; checked after every transition. Rejects when the engine cannot go on. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const unsubscribe = this.subscribe((notice) => {
        if (notice.type === 'failed') reject(notice.error);
        else if (notice.type !== 'committed' || !condition()) return;
        else resolve();
        unsubscribe();
      });
      if (!condition()) return;
      unsubscribe();
      resolve();
    });
  }

  /**
   * Stops taking part: idle workspaces are given up, runs under way go on by themselves and are adopted by the next
   * engine. Waits up to `graceMs` for the workspaces; what is left over is reaped at the next start.
   */
  async close(graceMs: number): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.drive = 'none';
    if (!this.isOver) await this.giveUpIdleLeases(graceMs);
    this.isOver = true;
    await this.effects?.detach();
    await this.mailbox.idle();
  }

  private async giveUpIdleLeases(graceMs: number): Promise<void> {
    await this.report({ type: 'close' });
    const releasing = (): boolean => [...this.outbox.values()].some((effect) => effect.type === 'release');
    let cancel = (): void => {};
    const graceOver = new Promise<void>((resolve) => {
      cancel = this.options.clock.at(this.options.clock.now() + graceMs, resolve);
    });
    await Promise.race([this.until(() => !releasing()), graceOver]).catch(() => undefined);
    cancel();
  }

  private async transact(
    command: Command,
    actor: Actor,
    bundles: readonly NewBundle[],
  ): Promise<Rejection | null> {
    if (this.isOver) return { type: 'rejected', code: 'stale', message: 'The engine is closing.' };
    const now = Math.max(this.options.clock.now(), this.lastAt);
    const decided = decide(this.state, command, now);
    if ('type' in decided) return decided;
    if (decided.length === 0) return null;
    await this.commit(command, actor, decided, bundles);
    if (command.type !== 'admit') await this.admit();
    return null;
  }

  private async commit(
    command: Command,
    actor: Actor,
    events: readonly DomainEvent[],
    bundles: readonly NewBundle[],
  ): Promise<void> {
    let after = this.state;
    const settled = new Set<string>();
    const effects = new Map<string, Effect>();
    for (const event of events) {
      const before = after;
      after = evolve(before, event);
      for (const key of settledBy(event)) {
        settled.add(key);
        effects.delete(key);
      }
      for (const effect of effectsOf(before, event, after)) effects.set(effect.key, effect);
    }
    // Asked for anew before it was done (a cancel during a pause): the later one takes its place.
    for (const key of effects.keys()) if (this.outbox.has(key)) settled.add(key);
    const tasks = [...new Set(events.map(({ taskId }) => taskId))].flatMap((id) => after.tasks.get(id) ?? []);
    const rows = await this.write({
      actor,
      cause: command.type,
      events,
      tasks,
      allocation: after.allocation,
      effects: [...effects.values()],
      settled: [...settled],
      bundles,
    });
    this.state = after;
    this.lastAt = events.at(-1)?.at ?? this.lastAt;
    for (const key of settled) {
      this.outbox.delete(key);
      this.effects?.settle(key);
    }
    for (const effect of effects.values()) this.outbox.set(effect.key, effect);
    // A run this engine did not drive is followed from the moment it is to be stopped.
    const stopping = tasks.filter(({ phase }) => phase.type === 'stopping').map(({ id }) => id);
    const earlier =
      stopping.length === 0
        ? []
        : [...this.outbox.values()].filter(({ taskId }) => stopping.includes(taskId));
    for (const effect of [...earlier, ...effects.values()])
      if (this.isWanted(effect)) this.effects?.issue(effect);
    this.publish({ type: 'committed', rows, tasks, slots: after.allocation.slots });
    for (const task of tasks) this.letGo(task);
  }

  private async write(transition: Parameters<Store['commit']>[0]): Promise<readonly AuditRow[]> {
    try {
      return await this.options.store.commit(transition);
    } catch (error) {
      // Refused, with nothing changed on disk or in memory: this one command failed, and whoever gave it says what follows.
      if (!OrchestratorError.is(error)) throw error;
      // Going on without a record is what must never happen.
      this.isOver = true;
      this.publish({ type: 'failed', error });
      throw error;
    }
  }

  private async admit(): Promise<void> {
    if (this.drive === 'none' || this.isOver) return;
    const only = this.drive === 'all' ? null : this.drive;
    await this.transact({ type: 'admit', only, atMost: this.atMost }, 'engine', []);
  }

  /** A final task leaves memory when nothing of it is left to do. */
  private letGo(task: Task): void {
    if (!isFinal(task)) return;
    for (const effect of this.outbox.values()) if (effect.taskId === task.id) return;
    this.state = { ...this.state, tasks: this.state.tasks.without(task.id) };
  }

  /** A command about a final task is answered by what the task is, not by "unknown". */
  private async bringIn(id: TaskId): Promise<void> {
    if (this.state.tasks.get(id) !== undefined) return;
    const task = await this.options.store.task(id);
    if (task !== null) this.state = { ...this.state, tasks: this.state.tasks.with(task) };
  }

  private async isKnown(id: TaskId): Promise<boolean> {
    if (this.state.tasks.get(id) !== undefined) return true;
    return (await this.options.store.taskIdsWithPrefix(id, 1)).length > 0;
  }

  /** Lets the tasks that came with an export into memory, and tells of them. */
  private async tellArrivals({
    firstArrival,
    last,
  }: {
    readonly firstArrival: number;
    readonly last: number;
  }): Promise<void> {
    const { store } = this.options;
    for (let after = firstArrival - 1; after < last;) {
      const rows = await store.audit({ after, limit: toldAtOnce });
      const tasks = (await Promise.all(rows.map(({ taskId }) => store.task(taskId)))).filter(
        (task) => task !== null,
      );
      for (const task of tasks)
        if (!isFinal(task)) this.state = { ...this.state, tasks: this.state.tasks.with(task) };
      this.publish({ type: 'committed', rows, tasks, slots: this.state.allocation.slots });
      after = rows.at(-1)?.seq ?? last;
    }
  }

  private admits(id: TaskId): boolean {
    return this.drive === 'all' || (this.drive !== 'none' && this.drive.includes(id));
  }

  /**
   * An engine that drives anything follows everything that executes, for it shares the two executions. One that drives
   * nothing only finishes what a person asked for: ending, merging, giving back; it follows a run to see it end.
   */
  private isWanted(effect: Effect): boolean {
    if (this.drive !== 'none') return true;
    switch (effect.type) {
      case 'stop':
      case 'merge':
      case 'clean-up':
      case 'release':
        return true;
      case 'run':
      case 'prepare':
        return this.state.tasks.get(effect.taskId)?.phase.type === 'stopping';
      case 'wait':
      case 'expire-lease':
      case 'recheck-slot':
        return false;
    }
  }

  private publish(notice: Notice): void {
    for (const listener of this.listeners) listener(notice);
  }
}
