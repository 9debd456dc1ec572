import type { SlotPort } from './allocation.ts';
import type { Digest, LeaseId, RunId, TaskId } from './ids.ts';
import type { Failure, FailureCode } from './outcome.ts';
import type { Stage } from './stage.ts';
import type {
  MergeStrategy,
  QueueReason,
  StopIntent,
  TaskOrigin,
  TaskSettings,
  TaskWorktree,
} from './task.ts';

/** What happened to a task, by type. One event is one row of the audit trail. */
export interface EventData {
  'task.created': {
    readonly title: string;
    readonly description: string;
    readonly priority: number;
    readonly settings: TaskSettings;
    readonly requestDigest: Digest;
  };
  /** Taken over from another board, with that board's times. */
  'task.imported': {
    readonly title: string;
    readonly description: string;
    readonly settings: TaskSettings;
    readonly requestDigest: Digest;
    readonly createdAt: number;
    readonly updatedAt: number;
    readonly origin: TaskOrigin;
  };
  /** Came with its whole history from another storage: every earlier event of the task happened there. */
  'task.moved-in': {
    /** Lower-case hex SHA-256 of the file it came in. */
    readonly file: string;
    /** Hash of the newest audit row of that storage, and that row's number. */
    readonly head: string;
    readonly seq: number;
  };
  'task.prioritized': { readonly priority: number };
  'task.settings-changed': { readonly settings: TaskSettings };
  'task.queued': { readonly stage: Stage; readonly reason: QueueReason };
  'task.admitted': { readonly port: SlotPort; readonly leaseId: LeaseId };
  'workspace.ready': {
    readonly leaseId: LeaseId;
    readonly worktree: TaskWorktree;
    readonly containerPort: number | null;
  };
  'workspace.failed': { readonly leaseId: LeaseId; readonly failure: Failure };
  'run.started': {
    readonly runId: RunId;
    readonly leaseId: LeaseId;
    readonly stage: Stage;
    readonly attempt: number;
    readonly inputDigests: readonly Digest[];
    readonly containerPort: number | null;
  };
  'run.completed': {
    readonly runId: RunId;
    readonly stage: Stage;
    readonly outputDigest: Digest;
    readonly sessionId: string | null;
    readonly costUsd: number;
    readonly cliVersion: string | null;
    readonly commit: string;
  };
  'run.failed': {
    readonly runId: RunId;
    readonly stage: Stage;
    readonly failure: Failure;
    /** A QA run that judged and found faults yields a bundle all the same. */
    readonly outputDigest: Digest | null;
    readonly sessionId: string | null;
    readonly costUsd: number;
    readonly cliVersion: string | null;
  };
  'run.cancelled': {
    readonly runId: RunId;
    readonly stage: Stage;
    readonly sessionId: string | null;
    readonly costUsd: number;
  };
  'context.accepted': { readonly stage: Stage; readonly digest: Digest };
  'gate.opened': { readonly stage: 'specification'; readonly digest: Digest };
  'specification.edited': { readonly digest: Digest };
  'rework.requested': { readonly round: number; readonly report: Digest; readonly findings: string };
  'task.backoff': {
    readonly stage: Stage;
    readonly until: number;
    readonly failure: Failure;
    readonly retry: number;
  };
  'task.parked': { readonly stage: Stage; readonly until: number; readonly failure: Failure };
  'task.needs-attention': { readonly stage: Stage; readonly failure: Failure };
  'task.stop-requested': {
    readonly leaseId: LeaseId;
    readonly runId: RunId | null;
    readonly intent: StopIntent;
  };
  'task.paused': { readonly stage: Stage };
  'task.sent-back': {
    readonly stage: Stage;
    readonly note: string;
    /** The specification that the words are about, where one waited for approval. */
    readonly about?: Digest;
  };
  'task.advanced': { readonly stage: Stage; readonly overruled: FailureCode | null };
  'task.completed': { readonly commit: string };
  'task.cancelled': { readonly stage: Stage };
  'merge.requested': { readonly strategy: MergeStrategy };
  'merge.failed': { readonly failure: Failure };
  'task.accepted': { readonly strategy: MergeStrategy; readonly commit: string | null };
  'lease.releasing': {
    readonly port: SlotPort;
    readonly leaseId: LeaseId;
    readonly cause: 'final' | 'needed-elsewhere' | 'expired' | 'closing' | 'failed' | 'asked';
  };
  'lease.released': { readonly port: SlotPort; readonly leaseId: LeaseId };
  'worktree.removed': { readonly path: string };
  'worktree.kept': { readonly path: string; readonly reason: string };
  'slot.blocked': { readonly port: SlotPort; readonly holder: string; readonly until: number };
  'slot.unblocked': { readonly port: SlotPort };
}

export type EventType = keyof EventData;

/** `at` is epoch ms, never decreasing within a storage. */
export type DomainEvent = {
  readonly [Type in EventType]: {
    readonly type: Type;
    readonly taskId: TaskId;
    readonly at: number;
    readonly data: EventData[Type];
  };
}[EventType];
