import { emptyAllocation, type Slots } from '../../src/engine/domain/allocation.ts';
import type { PersonCommand, Rejection } from '../../src/engine/domain/commands.ts';
import { leaseIdOf, runIdOf } from '../../src/engine/domain/ids.ts';
import type { Failure } from '../../src/engine/domain/outcome.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { TaskFeed } from '../../src/engine/inspection/taskFeed.ts';
import { TaskList } from '../../src/engine/inspection/taskList.ts';
import type { Notice } from '../../src/engine/notice.ts';
import type { AuditRow } from '../../src/engine/ports/store.ts';
import { EventEmitter } from './fakeVscode.ts';
import { idOf, runOf, taskIn } from './viewTasks.ts';
import type { WebviewSession } from './webviewSession.ts';

/** A feed of many tasks in memory, that a test moves along; one of them may have records to be looked into. */
export class BoardFeed implements TaskFeed {
  readonly storagePath: string | null;
  /** Every move that came through. */
  readonly dispatched: PersonCommand[] = [];
  /** How many follow the tasks. */
  listeners = 0;
  /** What the next moves are refused with. */
  rejection: Rejection | null = null;
  /** How a merge ends that a move sets going: with this failure, or well. */
  mergeFailure: Failure | null = null;
  /** A merge goes on until this resolves. */
  merging: Promise<unknown> = Promise.resolve();
  /** What `engine()` rejects with, if anything. */
  failure: Error | null = null;
  readonly tasks;
  private readonly list = new TaskList();
  private readonly inspected: WebviewSession | null;
  private readonly taskChanges = new EventEmitter<readonly Task[]>();
  private readonly notices = new EventEmitter<Notice>();
  private readonly stateChanges = new EventEmitter<unknown>();
  readonly onNotice = this.notices.event;
  readonly onDidChangeState = this.stateChanges.event;
  private slots: Slots = emptyAllocation.slots;

  constructor(tasks: readonly Task[], inspected: WebviewSession | null = null) {
    this.inspected = inspected;
    this.storagePath = inspected?.storagePath ?? null;
    this.tasks = {
      all: () => this.list.all(),
      get: (id: Task['id']) => this.list.get(id),
      slots: () => this.list.slots(),
      onDidChange: (listener: (tasks: readonly Task[]) => unknown) => {
        this.listeners += 1;
        const subscription = this.taskChanges.event(listener);
        return {
          dispose: () => {
            this.listeners -= 1;
            subscription.dispose();
          },
        };
      },
    };
    this.commit(...tasks, ...(inspected === null ? [] : [inspected.task]));
  }

  commit(...tasks: readonly Task[]): void {
    const notice = { type: 'committed', rows: [], tasks, slots: this.slots } as const;
    this.list.apply(notice);
    this.notices.fire(notice);
    this.taskChanges.fire(tasks);
  }

  /** The slot goes to the task. */
  lease(port: 8081 | 8082 | 8083, task: Task): void {
    this.slots = {
      ...this.slots,
      [port]: { type: 'leased', leaseId: leaseIdOf(port, 1), taskId: task.id, idleSince: null },
    };
    this.commit();
  }

  changeState(): void {
    this.stateChanges.fire(undefined);
  }

  async engine(): Promise<Engine> {
    if (this.failure !== null) throw this.failure;
    const { inspected } = this;
    const looked = inspected === null ? null : await inspected.engine();
    return {
      records: {
        task: (id) => Promise.resolve(this.list.get(id) ?? null),
        taskIdsWithPrefix: () => Promise.resolve([]),
        tasks: () => Promise.resolve([]),
        bundle: (digest) => looked?.records.bundle(digest) ?? Promise.resolve(null),
        bundles: (id) =>
          (id === inspected?.task.id ? inspected.engine() : null)?.then(({ records }) =>
            records.bundles(id),
          ) ?? Promise.resolve([]),
        audit: (query) =>
          this.mergeFailure !== null
            ? Promise.resolve([failedMerge(query.taskId ?? idOf(1), this.mergeFailure)])
            : query.taskId === inspected?.task.id && looked !== null
              ? looked.records.audit(query)
              : Promise.resolve([]),
        verifyAudit: () => Promise.resolve({ ok: true, rows: 6, firstBadRow: null }),
        damage: () => Promise.resolve([]),
      },
      dispatch: (command) => {
        this.dispatched.push(command);
        return Promise.resolve(this.rejection);
      },
      settled: async (id) => {
        const task = this.list.get(id);
        if (task?.phase.type !== 'completed') return;
        await this.merging;
        if (this.mergeFailure === null) this.commit({ ...task, phase: { type: 'done', strategy: 'squash' } });
      },
      close: () => Promise.resolve(),
    };
  }
}

function failedMerge(taskId: Task['id'], failure: Failure): AuditRow {
  const about = { at: 0, taskId, actor: 'engine', cause: 'merge', hash: '0'.repeat(64) } as const;
  return { seq: 1, type: 'merge.failed', data: { failure }, ...about };
}

/** Some tasks in every column, as a busy day has them. */
export function busyDay(): readonly Task[] {
  const now = Date.now();
  const minutes = (count: number): number => now - count * 60_000;
  const ended = (number: number, stage: Task['stage'], attempt: number, tookMs: number, costUsd: number) =>
    runOf({
      id: runIdOf(idOf(number), stage, attempt),
      stage,
      attempt,
      status: 'completed',
      outcome: 'success',
      startedAt: minutes(200),
      completedAt: minutes(200) + tookMs,
      costUsd,
    });
  const worktree = {
    path: '/w',
    branch: 'orchestrator/ab12-x',
    baseBranch: 'main',
    baseCommit: 'c'.repeat(40),
  };
  const at = (ago: number) => ({ createdAt: minutes(ago), updatedAt: minutes(ago / 2) });
  return [
    taskIn('queued', 1, {
      ...at(12),
      title: 'Cache the list of branches between two openings of the picker',
    }),
    taskIn('queued', 2, {
      ...at(9),
      title: 'Say which setting is wrong when a file of settings cannot be read',
    }),
    taskIn('queued', 3, { ...at(4), title: 'Sort imports', priority: 2 }),
    taskIn('preparing', 4, { ...at(31), title: 'Add a command that copies a task’s branch name' }),
    taskIn('running', 5, {
      ...at(75),
      title: 'Keep the scroll position when the inspector is drawn again',
      stage: 'implementation',
      worktree,
      runs: [
        ended(5, 'specification', 1, 95_000, 0.21),
        ended(5, 'implementation', 1, 421_000, 0.84),
        runOf({
          id: runIdOf(idOf(5), 'implementation', 2),
          stage: 'implementation',
          attempt: 2,
          startedAt: minutes(7.2),
        }),
      ],
    }),
    taskIn('backoff', 6, {
      ...at(44),
      title: 'Move the release notes out of the README',
      stage: 'implementation',
      worktree,
      phase: {
        type: 'backoff',
        until: now + 90_000,
        failure: { code: 'overloaded', message: 'The service is overloaded.' },
      },
      runs: [ended(6, 'specification', 1, 61_000, 0.12)],
    }),
    taskIn('paused', 7, {
      ...at(140),
      title: 'Check links in the documentation on every build',
      stage: 'qa',
      worktree,
      runs: [ended(7, 'specification', 1, 80_000, 0.2), ended(7, 'implementation', 1, 800_000, 1.9)],
    }),
    taskIn('gate', 8, {
      ...at(58),
      title: 'Let a person name the branch of a task',
      worktree,
      runs: [ended(8, 'specification', 1, 130_000, 0.33)],
    }),
    taskIn('attention', 9, {
      ...at(220),
      title: 'Retry a download that was cut off, from where it was cut off',
      stage: 'qa',
      worktree,
      phase: {
        type: 'attention',
        failure: {
          code: 'qa-failed',
          message: 'QA found the same two faults again: the last byte is written twice.',
          remedy: 'Read its report, then send the task back with a hint.',
        },
      },
      runs: [
        ended(9, 'specification', 1, 80_000, 0.2),
        ended(9, 'implementation', 1, 600_000, 1.4),
        ended(9, 'qa', 3, 300_000, 0.6),
      ],
    }),
    taskIn('completed', 10, {
      ...at(300),
      title: 'Show the size of a bundle next to its digest',
      stage: 'qa',
      worktree,
      runs: [ended(10, 'specification', 1, 50_000, 0.1), ended(10, 'qa', 1, 200_000, 0.4)],
    }),
    taskIn('done', 11, {
      ...at(900),
      title: 'Title case for headings',
      stage: 'qa',
      worktree,
      runs: [ended(11, 'qa', 1, 700_000, 1.07)],
    }),
    taskIn('cancelled', 12, { ...at(1_200), title: 'Try another parser' }),
  ];
}
