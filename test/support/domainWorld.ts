import { type Allocation, maxExecuting, slotPorts } from '../../src/engine/domain/allocation.ts';
import type { Command, ImportedTask, Rejection } from '../../src/engine/domain/commands.ts';
import { contextFor } from '../../src/engine/domain/context.ts';
import { decide } from '../../src/engine/domain/decide.ts';
import { type Effect, effectsOf, settledBy } from '../../src/engine/domain/effects.ts';
import type { DomainEvent } from '../../src/engine/domain/events.ts';
import { evolve } from '../../src/engine/domain/evolve.ts';
import { digestOf, type TaskId, taskIdOf } from '../../src/engine/domain/ids.ts';
import { queueOf, type QueueEntry } from '../../src/engine/domain/queue.ts';
import { emptyState, type State } from '../../src/engine/domain/state.ts';
import { isExecuting, isFinal, type Task, type TaskStatus } from '../../src/engine/domain/task.ts';
import type { Move } from './domainMoves.ts';
import { otherSettings, settings } from './domainSettings.ts';

/** The pure core with an outbox and a clock around it, and nothing else: what the engine is, without the world. */
export class DomainWorld {
  state: State = emptyState;
  now = 1_000_000;
  /** What the person allows to execute at once. */
  atMost = maxExecuting;
  readonly events: DomainEvent[] = [];
  readonly outbox = new Map<string, Effect>();
  readonly taskIds: TaskId[] = [];
  /** Every command that was dispatched, and when. */
  readonly commands: { readonly command: Command; readonly at: number }[] = [];
  private readonly reports: Command[] = [];
  private digests = 0;

  move(move: Move): void {
    switch (move.type) {
      case 'create': {
        const taskId = this.newId();
        this.dispatch({
          type: 'create',
          taskId,
          title: `Task ${this.taskIds.length}`,
          description: '',
          priority: move.priority,
          settings: {
            ...settings,
            gates: move.gated ? ['specification'] : [],
            maxQaRounds: move.maxQaRounds,
            maxBudgetUsd: move.maxBudgetUsd ?? null,
          },
          requestDigest: this.digest(),
          ...(move.kept === true ? { paused: true } : {}),
        });
        return;
      }
      case 'import': {
        const known = move.again ? this.taskIds.slice(0, 1) : [];
        const tasks = [
          ...move.statuses.map((status) => this.boardTask(this.newId(), status, move.createdAt)),
          ...known.map((taskId) => this.boardTask(taskId, 'todo', move.createdAt)),
        ];
        this.dispatch({ type: 'import', tasks });
        return;
      }
      case 'person': {
        const taskId = this.taskIds[move.task % Math.max(1, this.taskIds.length)];
        if (taskId === undefined) return;
        if (move.command === 'send-back')
          this.dispatch({ type: 'send-back', taskId, note: 'Do it otherwise.' });
        else if (move.command === 'edit-specification')
          this.dispatch({ type: 'edit-specification', taskId, digest: this.digest() });
        else if (move.command === 'set-priority')
          this.dispatch({ type: 'set-priority', taskId, priority: move.task % 3 });
        else if (move.command === 'change-settings')
          this.dispatch({
            type: 'change-settings',
            taskId,
            settings: otherSettings(move.task, this.events.length),
          });
        else if (move.command === 'accept') this.dispatch({ type: 'accept', taskId, strategy: 'squash' });
        else this.dispatch({ type: move.command, taskId });
        return;
      }
      case 'effect': {
        const effect = [...this.outbox.values()][move.pick % Math.max(1, this.outbox.size)];
        if (effect !== undefined) this.carryOut(effect, move);
        return;
      }
      case 'echo': {
        const report = this.reports[move.pick % Math.max(1, this.reports.length)];
        if (report !== undefined) this.dispatch(report);
        return;
      }
      case 'time':
        this.now += move.ms;
        return;
      case 'close':
        this.dispatch({ type: 'close' });
        return;
      case 'limit':
        this.atMost = move.atMost;
        this.dispatch({ type: 'admit', only: null, atMost: this.atMost });
    }
  }

  dispatch(command: Command): Rejection | null {
    this.commands.push({ command, at: this.now });
    const result = decide(this.state, command, this.now);
    if ('type' in result) return result;
    const executed = this.state.allocation.executing.length;
    for (const event of result) {
      const before = this.state;
      this.state = evolve(before, event);
      this.events.push(event);
      for (const key of settledBy(event)) this.outbox.delete(key);
      for (const effect of effectsOf(before, event, this.state)) this.outbox.set(effect.key, effect);
    }
    const executes = this.state.allocation.executing.length;
    if (executes > executed && executes > this.atMost)
      throw new Error(`${executes} tasks execute where ${this.atMost} may`);
    if (command.type !== 'admit') this.dispatch({ type: 'admit', only: null, atMost: this.atMost });
    return null;
  }

  /** The outcome of an effect, as the world would report it. */
  carryOut(
    effect: Effect,
    move: Pick<Extract<Move, { type: 'effect' }>, 'outcome' | 'code' | 'finding' | 'random'>,
  ): void {
    const command = this.outcomeOf(effect, move);
    if (command === null) return;
    this.reports.push(command);
    this.dispatch(command);
  }

  /** The task comes to another storage, as it is. */
  arrive(taskId: TaskId): void {
    const event: DomainEvent = {
      type: 'task.moved-in',
      taskId,
      at: this.now,
      data: { file: 'f'.repeat(64), head: 'e'.repeat(64), seq: this.events.length },
    };
    this.events.push(event);
    this.state = evolve(this.state, event);
  }

  private newId(): TaskId {
    const number = (this.taskIds.length + 16).toString(16).padStart(8, '0');
    const taskId = taskIdOf(`${number}-0000-4000-8000-000000000000`);
    this.taskIds.push(taskId);
    return taskId;
  }

  private boardTask(taskId: TaskId, status: TaskStatus, createdAt: number): ImportedTask {
    return {
      taskId,
      title: `From a board: ${taskId}`,
      description: '',
      settings,
      requestDigest: this.digest(),
      createdAt,
      updatedAt: createdAt,
      origin: {
        board: 'vibe-kanban',
        project: { id: '0000000a-0000-4000-8000-000000000000', name: 'Board', repositoryPath: '/elsewhere' },
        status,
        parentAttempt: null,
        parentTask: null,
      },
    };
  }

  digest() {
    this.digests += 1;
    return digestOf(this.digests.toString(16).padStart(64, '0'));
  }

  private outcomeOf(
    effect: Effect,
    {
      outcome,
      code,
      finding,
      random,
    }: Pick<Extract<Move, { type: 'effect' }>, 'outcome' | 'code' | 'finding' | 'random'>,
  ): Command | null {
    const { taskId } = effect;
    const failure = { code, message: `It failed: ${code}.` };
    switch (effect.type) {
      case 'prepare':
        return outcome === 'good'
          ? {
              type: 'workspace-ready',
              taskId,
              leaseId: effect.leaseId,
              worktree: {
                path: `/w/${taskId}`,
                branch: 'orchestrator/0000-x',
                baseBranch: 'main',
                baseCommit: 'base',
              },
              containerPort: 8081,
            }
          : { type: 'workspace-failed', taskId, leaseId: effect.leaseId, failure, random };
      case 'run': {
        const stage = this.state.tasks.get(taskId)?.runs.find(({ id }) => id === effect.runId)?.stage;
        const cost = { sessionId: 's', costUsd: 0.5, cliVersion: '2' };
        if (outcome === 'bad' && stage !== 'qa')
          return { type: 'run-failed', taskId, runId: effect.runId, failure, ...cost, random };
        return {
          type: 'run-succeeded',
          taskId,
          runId: effect.runId,
          outputDigest: this.digest(),
          ...cost,
          commit: `c${this.digests}`,
          ...(stage === 'qa'
            ? {
                verdict:
                  outcome === 'good'
                    ? { type: 'pass' as const }
                    : {
                        type: 'fail' as const,
                        code: 'qa-failed' as const,
                        message: 'Wrong.',
                        findings: `f${finding}`,
                      },
              }
            : {}),
        };
      }
      case 'stop':
        return effect.runId === null
          ? null
          : { type: 'run-stopped', taskId, runId: effect.runId, sessionId: null, costUsd: 0 };
      case 'release':
        return { type: 'lease-released', taskId, leaseId: effect.leaseId };
      case 'merge':
        return outcome === 'good'
          ? { type: 'merged', taskId, commit: 'm' }
          : { type: 'merge-failed', taskId, failure: { code: 'merge-conflict', message: 'Conflict.' } };
      case 'clean-up':
        return { type: 'cleaned-up', taskId, kept: null };
      case 'wait':
        this.now = Math.max(this.now, effect.until);
        return { type: 'wait-over', taskId };
      case 'expire-lease':
        this.now = Math.max(this.now, effect.until);
        return { type: 'lease-expired', taskId, leaseId: effect.leaseId };
      case 'recheck-slot':
        this.now = Math.max(this.now, effect.until);
        return { type: 'slot-recheck', taskId, port: effect.port };
    }
  }
}

/** Everything that must hold in every state; throws with the reason. */
export function checkInvariants(world: DomainWorld): void {
  const { tasks, allocation, queue } = world.state;
  const all = [...tasks.values()];
  const executing = all.filter(isExecuting);
  const expect = (holds: boolean, message: string): void => {
    if (!holds) throw new Error(message);
  };
  expect(executing.length <= maxExecuting, `${executing.length} tasks execute`);
  expect(
    sameSet(
      executing.map(({ id }) => id),
      allocation.executing,
    ),
    'the executing set disagrees with the tasks',
  );
  expect(
    sameSet(
      all.filter(({ phase }) => phase.type === 'queued').map(({ id }) => id),
      queue.map(({ taskId }) => taskId),
    ),
    'the queue disagrees with the tasks',
  );
  expect(
    JSON.stringify(queueOf(all).map(rankOf)) === JSON.stringify(queue.map(rankOf)),
    'the tasks would give another queue when they are loaded',
  );
  for (const [index, entry] of queue.entries()) {
    const next = queue[index + 1];
    const isBefore =
      next === undefined ||
      entry.priority > next.priority ||
      (entry.priority === next.priority && entry.createdAt <= next.createdAt);
    expect(isBefore, 'the queue is out of order');
    expect(entry.priority === tasks.get(entry.taskId)?.priority, 'the queue knows another priority');
  }
  checkLeases(allocation, executing, expect);
  for (const task of all) {
    const live = task.runs.filter(({ status }) => status === 'running');
    expect(live.length <= 1, 'two runs of one task at once');
    const inRun =
      task.phase.type === 'running' || (task.phase.type === 'stopping' && task.phase.runId !== null);
    expect(
      (live.length === 1) === inRun,
      `a run is recorded as running while the task is ${task.phase.type}`,
    );
    expect(canProgress(world, task), `"${task.title}" is ${task.phase.type} and nothing leads on`);
  }
}

function checkLeases(
  allocation: Allocation,
  executing: readonly Task[],
  expect: (holds: boolean, message: string) => void,
): void {
  const leases = slotPorts.flatMap((port) => {
    const slot = allocation.slots[port];
    return slot.type === 'leased' || slot.type === 'releasing' ? [slot] : [];
  });
  expect(leases.length <= 3, 'more than three leases');
  expect(new Set(leases.map(({ leaseId }) => leaseId)).size === leases.length, 'one lease on two slots');
  const held = leases.filter(({ type }) => type === 'leased').map(({ taskId }) => taskId);
  expect(new Set(held).size === held.length, 'a task holds two leases');
  for (const task of executing) expect(held.includes(task.id), `"${task.title}" executes without a lease`);
}

/** Something leads on from here: an open effect of the task, its place in the queue, or a move that a person has. */
function canProgress(world: DomainWorld, task: Task): boolean {
  if (isFinal(task)) return true;
  const open = [...world.outbox.values()].filter(({ taskId }) => taskId === task.id).map(({ type }) => type);
  const accepts = (type: 'approve' | 'advance' | 'retry' | 'resume' | 'cancel'): boolean =>
    !('type' in decide(world.state, { type, taskId: task.id }, world.now));
  switch (task.phase.type) {
    case 'queued': {
      const { executing, slots } = world.state.allocation;
      const coming = [...world.outbox.values()].some(
        ({ type }) => type === 'release' || type === 'recheck-slot',
      );
      return executing.length > 0 || coming || Object.values(slots).some(({ type }) => type === 'free');
    }
    case 'preparing':
      return open.includes('prepare');
    case 'running':
      return open.includes('run');
    case 'stopping':
      return (
        open.includes('stop') && (task.phase.runId === null ? open.includes('prepare') : open.includes('run'))
      );
    case 'merging':
      return open.includes('merge');
    case 'backoff':
    case 'parked':
      return open.includes('wait') && accepts('retry');
    case 'gate':
      return accepts('approve');
    case 'attention':
      return accepts('retry');
    case 'paused':
      return accepts('resume');
    case 'completed':
      return accepts('cancel');
    case 'done':
    case 'cancelled':
      return true;
  }
}

/** Every run was started on exactly the bundles that were accepted at that moment. */
export function checkContexts(events: readonly DomainEvent[]): void {
  let state = emptyState;
  for (const event of events) {
    if (event.type === 'run.started') {
      const task = state.tasks.get(event.taskId);
      const wanted = task === undefined ? null : contextFor(task, event.data.stage);
      if (JSON.stringify(wanted) !== JSON.stringify(event.data.inputDigests))
        throw new Error('a run on another context than the accepted one');
    }
    state = evolve(state, event);
  }
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set([...a, ...b]).size === a.length;

/** Of one rank, who came first is told by the order in which the tasks are loaded. */
function rankOf({ priority, createdAt, since }: QueueEntry): readonly number[] {
  return [priority, createdAt, since];
}
