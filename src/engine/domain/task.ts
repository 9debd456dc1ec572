import type { Digest, LeaseId, RunId, TaskId } from './ids.ts';
import type { Failure, Outcome } from './outcome.ts';
import type { Stage } from './stage.ts';

export type IsolationKind = 'docker' | 'process';
export type MergeStrategy = 'squash' | 'merge' | 'none';

/** Limits and tools of one stage. */
export interface StageSettings {
  /** Model name or alias for the CLI; null = the CLI's own default. */
  readonly model: string | null;
  readonly maxTurns: number;
  readonly maxBudgetUsd: number;
  readonly timeoutMs: number;
  /** CLI permission rules allowed on top of the stage's own, e.g. `Bash(make *)`. Implementation only. */
  readonly allowedTools: readonly string[];
}

/** What the person chose for a task: when it was created, and since where they changed it. A run has what held when it began. */
export interface TaskSettings {
  readonly isolation: IsolationKind;
  /** null = the branch that is checked out when the worktree is made. */
  readonly baseBranch: string | null;
  /** Run by the engine through `sh -c` in the worktree during QA; null = the project has none. */
  readonly testCommand: string | null;
  /** Run once through `sh -c` in a fresh worktree, before the first stage. */
  readonly setupCommand: string | null;
  /** Repository-relative paths copied from the main checkout into a fresh worktree (for example `.env`). */
  readonly copyFiles: readonly string[];
  /** Stages whose output waits for a person's approval. */
  readonly gates: readonly 'specification'[];
  readonly maxQaRounds: number;
  /** What all runs together may cost before a person is asked; null = no more than their own budgets allow. */
  readonly maxBudgetUsd: number | null;
  /** Whether the repository's CLAUDE.md may instruct the agent. */
  readonly trustRepository: boolean;
  /** Claude Code executable on the host; null = found by the engine. */
  readonly claudePath: string | null;
  /** Container image; null = the image built from `media/container/Dockerfile`. */
  readonly image: string | null;
  readonly stages: Readonly<Record<Stage, StageSettings>>;
}

/** The five words that boards have for a task's state, and all that the `tasks` table knows. */
export type TaskStatus = 'todo' | 'inprogress' | 'inreview' | 'done' | 'cancelled';

/** Where an imported task came from, as it was there. */
export interface TaskOrigin {
  readonly board: 'vibe-kanban';
  readonly project: { readonly id: string; readonly name: string; readonly repositoryPath: string };
  readonly status: TaskStatus;
  /** The attempt (later: workspace) of another task that it came out of, and that task; null = none, or not known. */
  readonly parentAttempt: string | null;
  readonly parentTask: TaskId | null;
}

/** Where a task's work lies on the host. */
export interface TaskWorktree {
  readonly path: string;
  readonly branch: string;
  /** The branch it started from and is merged back to; null when HEAD was detached. */
  readonly baseBranch: string | null;
  readonly baseCommit: string;
}

/** One attempt at one stage. */
export interface Run {
  readonly id: RunId;
  readonly stage: Stage;
  /** 1 for the first run of the stage in this task; counts retries and rework alike. */
  readonly attempt: number;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled';
  readonly outcome: Outcome | null;
  /** Digests of the accepted bundles the prompt was built from, in order. */
  readonly inputDigests: readonly Digest[];
  /** Digest of the bundle it yielded; a QA run that found faults has one too. */
  readonly outputDigest: Digest | null;
  readonly sessionId: string | null;
  readonly containerPort: number | null;
  readonly startedAt: number;
  readonly completedAt: number | null;
  readonly costUsd: number;
}

/** A person's words on work sent back; part of every later prompt of that stage, and of QA's. */
export interface Note {
  readonly stage: Stage;
  readonly text: string;
  /** The specification that was sent back with them. */
  readonly about?: Digest;
  readonly at: number;
}

/** Why a stop was asked for, and so what follows when the run has ended. */
export type StopIntent = 'cancel' | 'pause';

/**
 * What a task is doing. `preparing`, `running` and `stopping` execute (they count against the cap of two);
 * `done` and `cancelled` are final; every other phase names what it waits for.
 */
export type Phase =
  | { readonly type: 'queued'; readonly since: number; readonly reason: QueueReason }
  | { readonly type: 'preparing'; readonly leaseId: LeaseId }
  | { readonly type: 'running'; readonly leaseId: LeaseId; readonly runId: RunId }
  | {
      readonly type: 'stopping';
      readonly leaseId: LeaseId;
      /** null while the workspace was still being prepared. */
      readonly runId: RunId | null;
      readonly intent: StopIntent;
    }
  | { readonly type: 'gate'; readonly stage: 'specification'; readonly digest: Digest }
  | { readonly type: 'backoff'; readonly until: number; readonly failure: Failure }
  | { readonly type: 'parked'; readonly until: number; readonly failure: Failure }
  | { readonly type: 'attention'; readonly failure: Failure }
  | { readonly type: 'paused' }
  | { readonly type: 'completed' }
  | { readonly type: 'merging'; readonly strategy: MergeStrategy }
  | { readonly type: 'done'; readonly strategy: MergeStrategy }
  | { readonly type: 'cancelled' };

export type QueueReason =
  'created' | 'approved' | 'retry' | 'backoff-over' | 'resumed' | 'sent-back' | 'advanced' | 'slot-blocked';

export interface Task {
  readonly id: TaskId;
  readonly title: string;
  readonly description: string;
  readonly settings: TaskSettings;
  /** Higher goes first; within a priority, first come first served. */
  readonly priority: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The stage that runs now or next. */
  readonly stage: Stage;
  readonly phase: Phase;
  /** Digest of the request bundle (title and description): the first context of all. */
  readonly requestDigest: Digest;
  /** The accepted bundle of each stage; a stage runs on exactly these. */
  readonly accepted: Readonly<Partial<Record<Stage, Digest>>>;
  readonly notes: readonly Note[];
  readonly runs: readonly Run[];
  readonly worktree: TaskWorktree | null;
  /** Failed automatic tries of the current stage in a row; a success or a person's move resets it. */
  readonly retries: number;
  /** What was spent when a person last let it go on beyond its budget, in US dollars: the budget counts from there. */
  readonly budgetFromUsd: number;
  /** QA rounds that sent work back to implementation. */
  readonly qaRounds: number;
  /** Fingerprint of the last QA findings: the same coming back twice goes to a person. */
  readonly lastFindings: string | null;
  /** Commit of the newest checkpoint, or of the merge once accepted. */
  readonly commit: string | null;
  /** Only of a task that came from another board. */
  readonly origin?: TaskOrigin;
}

/** True while the task counts against the cap of executing tasks. */
export function isExecuting(task: Task): boolean {
  return ['preparing', 'running', 'stopping'].includes(task.phase.type);
}

/** True when nothing can ever happen to the task again. */
export function isFinal(task: Task): boolean {
  return task.phase.type === 'done' || task.phase.type === 'cancelled';
}

/** The task's state in the words of the `tasks` table; the rest lives in our own tables. */
export function statusOf(task: Task): TaskStatus {
  switch (task.phase.type) {
    case 'queued':
      return 'todo';
    case 'backoff':
    case 'preparing':
    case 'running':
    case 'stopping':
    case 'merging':
      return 'inprogress';
    case 'paused':
      // Kept for later and never begun: nothing is there to review.
      return task.runs.length === 0 ? 'todo' : 'inreview';
    case 'attention':
      // Until a person moves it, it is what it was on its board.
      return task.phase.failure.code === 'imported' ? (task.origin?.status ?? 'inreview') : 'inreview';
    case 'gate':
    case 'parked':
    case 'completed':
      return 'inreview';
    case 'done':
      return 'done';
    case 'cancelled':
      return 'cancelled';
  }
}

export function totalCostUsd(task: Task): number {
  return task.runs.reduce((sum, run) => sum + run.costUsd, 0);
}
