import { assertNever } from '../domain/assertNever.ts';
import { nearestInstant } from '../domain/instant.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import { type Run, statusOf, type Task, type TaskStatus, totalCostUsd } from '../domain/task.ts';

/** An event as it leaves the engine. `seq` is its row in the audit trail. */
export interface WireEvent {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly task_id: string;
  readonly type: string;
  readonly data: unknown;
}

export interface WireStage {
  readonly id: string;
  readonly type: Stage;
  readonly attempt: number;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled';
  readonly outcome: Outcome | null;
  readonly input_digests: readonly string[];
  readonly output_digest: string | null;
  readonly session_id: string | null;
  readonly container_port: number | null;
  readonly started_at: string;
  readonly completed_at: string | null;
  readonly cost_usd: number;
}

/** Where a task came to rest, in a word for programs. `waiting`: for a person's approval or resume, or for its turn. */
export type RestOutcome = 'completed' | 'needs-attention' | 'cancelled' | 'waiting';

export interface WireTask {
  readonly task_id: string;
  readonly title: string;
  readonly status: TaskStatus;
  readonly outcome: RestOutcome;
  readonly stage: Stage;
  /** What it waits for or why it stopped; null when it completed. */
  readonly reason: string | null;
  readonly branch: string | null;
  readonly worktree: string | null;
  readonly base_commit: string | null;
  readonly commit: string | null;
  readonly cost_usd: number;
  readonly stages: readonly WireStage[];
}

export function wireEvent(row: {
  readonly seq: number;
  readonly at: number;
  readonly taskId: string;
  readonly type: string;
  readonly data: unknown;
}): WireEvent {
  return { seq: row.seq, at: isoTime(row.at), task_id: row.taskId, type: row.type, data: row.data };
}

export function wireTask(task: Task): WireTask {
  return {
    task_id: task.id,
    title: task.title,
    status: statusOf(task),
    outcome: restOutcome(task),
    stage: task.stage,
    reason: reasonOf(task),
    branch: task.worktree?.branch ?? null,
    worktree: task.worktree?.path ?? null,
    base_commit: task.worktree?.baseCommit ?? null,
    commit: task.commit,
    cost_usd: totalCostUsd(task),
    stages: task.runs.map(wireStage),
  };
}

function wireStage(run: Run): WireStage {
  return {
    id: run.id,
    type: run.stage,
    attempt: run.attempt,
    status: run.status,
    outcome: run.outcome,
    input_digests: run.inputDigests,
    output_digest: run.outputDigest,
    session_id: run.sessionId,
    container_port: run.containerPort,
    started_at: isoTime(run.startedAt),
    completed_at: run.completedAt === null ? null : isoTime(run.completedAt),
    cost_usd: run.costUsd,
  };
}

export function restOutcome(task: Task): RestOutcome {
  switch (task.phase.type) {
    case 'completed':
    case 'merging':
    case 'done':
      return 'completed';
    case 'attention':
      return 'needs-attention';
    case 'cancelled':
      return 'cancelled';
    default:
      return 'waiting';
  }
}

/** In a sentence: what the task waits for, or why it stopped. Null when there is nothing to explain. */
export function reasonOf(task: Task): string | null {
  const { phase } = task;
  switch (phase.type) {
    case 'queued':
      return 'It waits for its turn.';
    case 'preparing':
      return 'Its worktree and workspace are being made.';
    case 'running':
      return `The ${task.stage} stage runs.`;
    case 'stopping':
      return `It is being stopped to ${phase.intent}.`;
    case 'gate':
      return `Its ${phase.stage} waits for approval.`;
    case 'backoff':
      return `${phase.failure.message} Next try at ${isoTime(phase.until)}.`;
    case 'parked':
      return `${phase.failure.message} It goes on at ${isoTime(phase.until)}.`;
    case 'attention':
      return `${phase.failure.message}${phase.failure.remedy === undefined ? '' : ` ${phase.failure.remedy}`}`;
    case 'paused':
      return 'It is paused.';
    case 'completed':
    case 'merging':
    case 'done':
      return null;
    case 'cancelled':
      return 'It was cancelled.';
    default:
      return assertNever(phase);
  }
}

/** Of a row that an earlier version took in with a time that no Date can tell, the nearest. */
export const isoTime = (at: number): string => new Date(nearestInstant(at)).toISOString();
