import * as v from 'valibot';
import { failureCodes } from '../domain/outcome.ts';
import { stages } from '../domain/stage.ts';
import { phaseTypes } from './inspector.ts';

// What the local server answers. Its OpenAPI document is made from these.

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const stage = v.picklist(stages);
const outcome = v.nullable(v.picklist(['success', 'cancelled', ...failureCodes]));
/** ISO 8601, UTC. */
const time = v.pipe(v.string(), v.isoTimestamp());
const rate = v.nullable(v.number());

const stageStatuses = ['pending', 'running', 'completed', 'failed'] as const;
const stageStatus = v.picklist(stageStatuses);

/** RFC 9457. */
export const problemAnswer = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  code: v.string(),
  detail: v.string(),
  remedy: v.exactOptional(v.string()),
});

/** One attempt at a stage, or a stage to come. */
export const stageAnswer = v.strictObject({
  id: v.string(),
  task_id: v.string(),
  stage_type: stage,
  status: stageStatus,
  /** Digests of what the stage was given, and of what it yielded. */
  stage_context: v.nullable(
    v.strictObject({ input_digests: v.array(v.string()), output_digest: v.nullable(v.string()) }),
  ),
  /** The end of what the agent wrote, when one stage is asked for. */
  command_output: v.nullable(v.string()),
  container_id: v.nullable(v.string()),
  error_message: v.nullable(v.string()),
  retry_count: count,
  outcome,
  session_id: v.nullable(v.string()),
  cost_usd: v.number(),
  started_at: v.nullable(time),
  completed_at: v.nullable(time),
  created_at: time,
  updated_at: time,
});

export const taskAnswer = v.strictObject({
  task_id: v.string(),
  title: v.string(),
  description: v.string(),
  status: v.picklist(['todo', 'inprogress', 'inreview', 'done', 'cancelled']),
  outcome: v.picklist(['completed', 'needs-attention', 'cancelled', 'waiting']),
  current_stage: stage,
  phase: v.picklist(phaseTypes),
  reason: v.nullable(v.string()),
  priority: v.number(),
  branch: v.nullable(v.string()),
  base_branch: v.nullable(v.string()),
  base_commit: v.nullable(v.string()),
  commit: v.nullable(v.string()),
  worktree: v.nullable(v.string()),
  container_id: v.nullable(v.string()),
  cost_usd: v.number(),
  created_at: time,
  updated_at: time,
});

export const tasksAnswer = v.strictObject({ tasks: v.array(taskAnswer), total: count });
export const stagesAnswer = v.array(stageAnswer);

export const startAnswer = v.strictObject({
  orchestration_id: v.string(),
  current_stage: stage,
  status: v.picklist(['running', 'queued']),
});

export const statusAnswer = v.strictObject({
  active_tasks: v.array(
    v.strictObject({
      task_id: v.string(),
      stage,
      container_id: v.nullable(v.string()),
      started_at: v.nullable(time),
    }),
  ),
  queued_tasks: v.array(
    v.strictObject({ task_id: v.string(), stage, priority: v.number(), queued_at: time }),
  ),
  containers: v.array(
    v.strictObject({
      id: v.string(),
      allocated_to: v.nullable(v.string()),
      status: v.picklist(['free', 'busy', 'idle', 'releasing', 'blocked']),
    }),
  ),
});

export const auditAnswer = v.strictObject({
  rows: v.array(
    v.strictObject({
      seq: count,
      at: time,
      task_id: v.string(),
      type: v.string(),
      actor: v.picklist(['person', 'engine']),
      cause: v.string(),
      data: v.unknown(),
      hash: v.string(),
    }),
  ),
  /** Give it as `after` for the next page; null after the last. */
  next_after: v.nullable(count),
});

export const metricsAnswer = v.strictObject({
  completion_rate: rate,
  average_stage_ms: rate,
  utilization: rate,
  context_preservation: rate,
  intervention_rate: rate,
  tasks: count,
  cost_usd: v.number(),
  measured_at: time,
});

const contextHead = {
  task_id: v.string(),
  stage: v.picklist(['request', ...stages]),
  version: count,
  digest: v.string(),
  stage_id: v.nullable(v.string()),
  accepted: v.boolean(),
  created_at: time,
};
export const contextsAnswer = v.array(v.strictObject(contextHead));
export const contextAnswer = v.strictObject({
  digest: v.string(),
  bundle: v.looseObject({ type: v.picklist(['request', ...stages]), format: v.number() }),
});

export const ticketAnswer = v.strictObject({ ticket: v.string(), expires_in: count });

/** Data of the event `stage-update`. */
export const stageUpdate = v.strictObject({
  type: stage,
  status: stageStatus,
  context: v.exactOptional(
    v.strictObject({
      task_id: v.string(),
      event: v.string(),
      at: time,
      stage_id: v.exactOptional(v.string()),
      attempt: v.exactOptional(count),
      outcome: v.exactOptional(v.picklist(['success', 'cancelled', ...failureCodes])),
      output_digest: v.exactOptional(v.nullable(v.string())),
      cost_usd: v.exactOptional(v.number()),
      message: v.exactOptional(v.string()),
      remedy: v.exactOptional(v.string()),
    }),
  ),
});

// Vibe Kanban's own shapes.

const boardTask = {
  id: v.string(),
  project_id: v.string(),
  title: v.string(),
  description: v.nullable(v.string()),
  status: v.picklist(['todo', 'inprogress', 'inreview', 'done', 'cancelled']),
  parent_task_attempt: v.null(),
  created_at: time,
  updated_at: time,
};

const boardTaskAnswer = v.strictObject(boardTask);
const listedTaskAnswer = v.strictObject({
  ...boardTask,
  has_in_progress_attempt: v.boolean(),
  has_merged_attempt: v.boolean(),
  last_attempt_failed: v.boolean(),
});
const projectAnswer = v.strictObject({
  id: v.string(),
  name: v.string(),
  git_repo_path: v.string(),
  setup_script: v.nullable(v.string()),
  dev_script: v.nullable(v.string()),
  cleanup_script: v.nullable(v.string()),
  copy_files: v.nullable(v.string()),
  created_at: time,
  updated_at: time,
});

const enveloped = <Data extends v.GenericSchema>(data: Data) =>
  v.strictObject({
    success: v.literal(true),
    data,
    error_data: v.null(),
    message: v.nullable(v.string()),
  });

export const healthEnvelope = enveloped(v.string());
export const projectsEnvelope = enveloped(v.array(projectAnswer));
export const boardTasksEnvelope = enveloped(v.array(listedTaskAnswer));
export const boardTaskEnvelope = enveloped(boardTaskAnswer);
export const failureEnvelope = v.strictObject({
  success: v.literal(false),
  data: v.null(),
  error_data: v.null(),
  message: v.string(),
});

export type StageAnswer = v.InferOutput<typeof stageAnswer>;
export type TaskAnswer = v.InferOutput<typeof taskAnswer>;
export type StatusAnswer = v.InferOutput<typeof statusAnswer>;
export type StageUpdate = v.InferOutput<typeof stageUpdate>;
export type BoardTask = v.InferOutput<typeof boardTaskAnswer>;
export type ListedBoardTask = v.InferOutput<typeof listedTaskAnswer>;
export type Project = v.InferOutput<typeof projectAnswer>;
