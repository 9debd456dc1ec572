import { leaseOf, slotPorts, type Slot, type Slots } from '../domain/allocation.ts';
import { runIdOf, taskIdOf, type RunId, type TaskId } from '../domain/ids.ts';
import { nextStage, stages, type Stage } from '../domain/stage.ts';
import { isExecuting, isFinal, statusOf, totalCostUsd, type Run, type Task } from '../domain/task.ts';
import type { StageAnswer, StatusAnswer, TaskAnswer } from '../protocol/serverApi.ts';
import { isoTime, reasonOf, restOutcome } from '../protocol/wire.ts';

/** A run's id without the slash, which an address would have to escape. */
export const stageIdOf = (runId: RunId): string => runId.replace('/', '.');

/** The task and run that a checked stage id names. */
export function runOfStageId(id: string): { readonly taskId: TaskId; readonly runId: RunId } {
  const taskId = taskIdOf(id.slice(0, 36));
  const [stage = '', attempt = ''] = id.slice(37).split('-');
  return { taskId, runId: runIdOf(taskId, stage, Number(attempt)) };
}

export function taskAnswerOf(task: Task, slots: Slots): TaskAnswer {
  return {
    task_id: task.id,
    title: task.title,
    description: task.description,
    status: statusOf(task),
    outcome: restOutcome(task),
    current_stage: task.stage,
    phase: task.phase.type,
    reason: reasonOf(task),
    priority: task.priority,
    branch: task.worktree?.branch ?? null,
    base_branch: task.worktree?.baseBranch ?? null,
    base_commit: task.worktree?.baseCommit ?? null,
    commit: task.commit,
    worktree: task.worktree?.path ?? null,
    container_id: containerOf(task.id, slots),
    cost_usd: totalCostUsd(task),
    created_at: isoTime(task.createdAt),
    updated_at: isoTime(task.updatedAt),
  };
}

/** Every attempt so far, and the stages that are still to come. `failures`: messages by run. */
export function stageAnswersOf(task: Task, failures: ReadonlyMap<RunId, string>): StageAnswer[] {
  const answers = task.runs.map((run) => stageAnswerOf(task, run, failures.get(run.id) ?? null));
  return isFinal(task) ? answers : [...answers, ...pendingStages(task)];
}

export function stageAnswerOf(task: Task, run: Run, failure: string | null): StageAnswer {
  const { status } = run;
  return {
    id: stageIdOf(run.id),
    task_id: task.id,
    stage_type: run.stage,
    status: status === 'cancelled' ? 'failed' : status,
    stage_context: { input_digests: [...run.inputDigests], output_digest: run.outputDigest },
    command_output: null,
    container_id: run.containerPort === null ? null : String(run.containerPort),
    error_message:
      status === 'cancelled' ? 'It was stopped.' : status === 'failed' ? (failure ?? run.outcome) : null,
    retry_count: run.attempt - 1,
    outcome: run.outcome,
    session_id: run.sessionId,
    cost_usd: run.costUsd,
    started_at: isoTime(run.startedAt),
    completed_at: run.completedAt === null ? null : isoTime(run.completedAt),
    created_at: isoTime(run.startedAt),
    updated_at: isoTime(run.completedAt ?? run.startedAt),
  };
}

/** What comes next, when nothing else comes between: the current stage if no run of it is under way, and those after it. */
function pendingStages(task: Task): StageAnswer[] {
  const { type } = task.phase;
  if (type === 'completed' || type === 'merging') return [];
  const isUnderWay = task.runs.at(-1)?.status === 'running';
  const next = type === 'gate' || isUnderWay ? nextStage(task.stage) : task.stage;
  return next === null ? [] : stages.slice(stages.indexOf(next)).map((stage) => pendingStage(task, stage));
}

function pendingStage(task: Task, stage: Stage): StageAnswer {
  const attempt = task.runs.filter((run) => run.stage === stage).length + 1;
  const created = isoTime(task.updatedAt);
  return {
    id: stageIdOf(runIdOf(task.id, stage, attempt)),
    task_id: task.id,
    stage_type: stage,
    status: 'pending',
    stage_context: null,
    command_output: null,
    container_id: null,
    error_message: null,
    retry_count: attempt - 1,
    outcome: null,
    session_id: null,
    cost_usd: 0,
    started_at: null,
    completed_at: null,
    created_at: created,
    updated_at: created,
  };
}

export function statusAnswerOf(tasks: readonly Task[], slots: Slots): StatusAnswer {
  return {
    active_tasks: tasks.filter(isExecuting).map((task) => {
      const run = task.runs.findLast(({ status }) => status === 'running');
      return {
        task_id: task.id,
        stage: task.stage,
        container_id: containerOf(task.id, slots),
        started_at: run === undefined ? null : isoTime(run.startedAt),
      };
    }),
    queued_tasks: tasks
      .flatMap((task) => (task.phase.type === 'queued' ? [{ task, since: task.phase.since }] : []))
      .toSorted((a, b) => b.task.priority - a.task.priority || a.task.createdAt - b.task.createdAt)
      .map(({ task, since }) => ({
        task_id: task.id,
        stage: task.stage,
        priority: task.priority,
        queued_at: isoTime(since),
      })),
    containers: slotPorts.map((port) => ({
      id: String(port),
      allocated_to: 'taskId' in slots[port] ? slots[port].taskId : null,
      status: slotStatus(slots[port]),
    })),
  };
}

export type SlotStatus = StatusAnswer['containers'][number]['status'];

export function slotStatus(slot: Slot): SlotStatus {
  return slot.type === 'leased' ? (slot.idleSince === null ? 'busy' : 'idle') : slot.type;
}

/** A container is named by its slot's host port: it answers there. */
function containerOf(taskId: TaskId, slots: Slots): string | null {
  const lease = leaseOf({ slots, generation: 0, executing: [] }, taskId);
  return lease === null ? null : String(lease.port);
}
