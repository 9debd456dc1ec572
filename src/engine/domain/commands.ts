import type { SlotPort } from './allocation.ts';
import type { Digest, LeaseId, RunId, TaskId } from './ids.ts';
import type { Failure } from './outcome.ts';
import type { MergeStrategy, TaskOrigin, TaskSettings, TaskWorktree } from './task.ts';

/** What a person (or a program on their behalf) asks for. */
export type PersonCommand =
  | {
      readonly type: 'create';
      readonly taskId: TaskId;
      readonly title: string;
      readonly description: string;
      readonly priority: number;
      readonly settings: TaskSettings;
      readonly requestDigest: Digest;
      /** Kept for later: it waits for its `resume`. */
      readonly paused?: true;
    }
  | { readonly type: 'approve'; readonly taskId: TaskId }
  | { readonly type: 'advance'; readonly taskId: TaskId }
  | { readonly type: 'retry'; readonly taskId: TaskId }
  | { readonly type: 'send-back'; readonly taskId: TaskId; readonly note: string }
  /** The person's own version of a specification that waits at the gate; its bundle is stored with the command. */
  | { readonly type: 'edit-specification'; readonly taskId: TaskId; readonly digest: Digest }
  | { readonly type: 'set-priority'; readonly taskId: TaskId; readonly priority: number }
  /** All of them, as they shall be from the next run on. */
  | { readonly type: 'change-settings'; readonly taskId: TaskId; readonly settings: TaskSettings }
  /** Gives up the container of a task that does not execute. */
  | { readonly type: 'release-container'; readonly taskId: TaskId }
  | { readonly type: 'pause'; readonly taskId: TaskId }
  | { readonly type: 'resume'; readonly taskId: TaskId }
  | { readonly type: 'cancel'; readonly taskId: TaskId }
  | { readonly type: 'accept'; readonly taskId: TaskId; readonly strategy: MergeStrategy };

/** A task of another board, to be taken over as it is. */
export interface ImportedTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly description: string;
  readonly settings: TaskSettings;
  readonly requestDigest: Digest;
  /** Epoch ms; later than now counts as now. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly origin: TaskOrigin;
}

/** Takes over many tasks at once; those that are here already stay as they are. None of them starts by itself. */
export interface ImportCommand {
  readonly type: 'import';
  readonly tasks: readonly ImportedTask[];
}

/** What a run yielded when it succeeded. */
export interface RunYield {
  readonly outputDigest: Digest;
  /** null when no model was asked: the tests alone decided. */
  readonly sessionId: string | null;
  readonly costUsd: number;
  readonly cliVersion: string | null;
  /** The checkpoint after the stage. */
  readonly commit: string;
  /** QA only: what it judged. */
  readonly verdict?: Verdict;
}

export type Verdict =
  | { readonly type: 'pass' }
  | {
      readonly type: 'fail';
      readonly code: 'qa-failed' | 'tests-failed';
      /** What is wrong, in a sentence. */
      readonly message: string;
      /** Fingerprint: equal when the same findings come back. */
      readonly findings: string;
    };

/** How an effect reports back, and how time passes. */
export type ReportCommand =
  /**
   * Fill free executions from the queue; `only` limits it to these tasks (null = whoever is next), `atMost` the number
   * of tasks that execute at once, below what is possible at all.
   */
  | { readonly type: 'admit'; readonly only: readonly TaskId[] | null; readonly atMost?: number }
  | {
      readonly type: 'workspace-ready';
      readonly taskId: TaskId;
      readonly leaseId: LeaseId;
      readonly worktree: TaskWorktree;
      /** null in process isolation. */
      readonly containerPort: number | null;
    }
  | {
      readonly type: 'workspace-failed';
      readonly taskId: TaskId;
      readonly leaseId: LeaseId;
      readonly failure: Failure;
      /** 0 (inclusive) to 1 (exclusive), drawn by the caller: the jitter of a backoff. */
      readonly random: number;
    }
  | ({ readonly type: 'run-succeeded'; readonly taskId: TaskId; readonly runId: RunId } & RunYield)
  | {
      readonly type: 'run-failed';
      readonly taskId: TaskId;
      readonly runId: RunId;
      readonly failure: Failure;
      readonly sessionId: string | null;
      readonly costUsd: number;
      readonly cliVersion: string | null;
      readonly random: number;
    }
  | {
      readonly type: 'run-stopped';
      readonly taskId: TaskId;
      readonly runId: RunId;
      readonly sessionId: string | null;
      readonly costUsd: number;
    }
  | { readonly type: 'wait-over'; readonly taskId: TaskId }
  /** The worktree of a final task was removed, or kept and why. */
  | { readonly type: 'cleaned-up'; readonly taskId: TaskId; readonly kept: string | null }
  | { readonly type: 'lease-released'; readonly taskId: TaskId; readonly leaseId: LeaseId }
  | { readonly type: 'lease-expired'; readonly taskId: TaskId; readonly leaseId: LeaseId }
  | { readonly type: 'slot-recheck'; readonly taskId: TaskId; readonly port: SlotPort }
  | { readonly type: 'merged'; readonly taskId: TaskId; readonly commit: string | null }
  | { readonly type: 'merge-failed'; readonly taskId: TaskId; readonly failure: Failure }
  /** The engine closes: leases of tasks that do not execute are given up. */
  | { readonly type: 'close' };

export type Command = PersonCommand | ImportCommand | ReportCommand;

/** Why a command was refused. Nothing changed. */
export interface Rejection {
  readonly type: 'rejected';
  /** `stale`: the report of an effect that no longer matters; dropped silently. */
  readonly code: 'unknown-task' | 'final' | 'not-now' | 'bad-input' | 'stale';
  /** For a person: what is so, and what to do instead. */
  readonly message: string;
}
