import { releaseLease } from './admission.ts';
import { assertNever } from './assertNever.ts';
import type { Rejection, ReportCommand } from './commands.ts';
import { type Decision, stale } from './decision.ts';
import {
  afterStage,
  blockSlot,
  followIntent,
  followPolicy,
  opensGate,
  queue,
  rework,
  startRun,
} from './progress.ts';
import type { Phase, Run, Task } from './task.ts';

type TaskReport = Exclude<
  ReportCommand,
  { type: 'admit' | 'close' | 'lease-expired' | 'lease-released' | 'slot-recheck' }
>;
type Report<Type extends TaskReport['type']> = Extract<TaskReport, { type: Type }>;

/** The outcome of an effect. One that no longer fits what the task does is stale and changes nothing. */
export function decideReport(decision: Decision, report: TaskReport): Rejection | null {
  const task = decision.state.tasks.get(report.taskId);
  if (task === undefined) return stale;
  switch (report.type) {
    case 'workspace-ready':
    case 'workspace-failed':
      return workspace(decision, task, report);
    case 'run-succeeded':
    case 'run-failed':
    case 'run-stopped':
      return run(decision, task, report);
    case 'wait-over':
      if (task.phase.type !== 'backoff' && task.phase.type !== 'parked') return stale;
      if (task.phase.until > decision.now) return stale;
      queue(decision, task.id, task.stage, 'backoff-over');
      return null;
    case 'merged':
      return merged(decision, task, report);
    case 'merge-failed':
      if (task.phase.type !== 'merging') return stale;
      decision.emit('merge.failed', task.id, { failure: report.failure });
      return null;
    case 'cleaned-up':
      return cleanedUp(decision, task, report);
    default:
      return assertNever(report);
  }
}

function workspace(
  decision: Decision,
  task: Task,
  report: Report<'workspace-ready' | 'workspace-failed'>,
): Rejection | null {
  const { phase } = task;
  const { leaseId } = report;
  const waited = phase.type === 'preparing' || (phase.type === 'stopping' && phase.runId === null);
  if (!waited || phase.leaseId !== leaseId) return stale;
  if (report.type === 'workspace-ready') {
    decision.emit('workspace.ready', task.id, {
      leaseId,
      worktree: report.worktree,
      containerPort: report.containerPort,
    });
    if (phase.type === 'stopping') followIntent(decision, task.id, phase.intent);
    else startRun(decision, task.id, leaseId, task.stage, report.containerPort);
    return null;
  }
  decision.emit('workspace.failed', task.id, { leaseId, failure: report.failure });
  if (phase.type === 'stopping') {
    followIntent(decision, task.id, phase.intent);
  } else if (report.failure.code === 'port-taken') {
    blockSlot(decision, task.id, leaseId, report.failure);
  } else {
    followPolicy(decision, task.id, task.stage, report.failure, report.random);
    releaseLease(decision, task.id, 'failed');
  }
  return null;
}

function run(
  decision: Decision,
  task: Task,
  report: Report<'run-succeeded' | 'run-failed' | 'run-stopped'>,
): Rejection | null {
  const { phase } = task;
  if ((phase.type !== 'running' && phase.type !== 'stopping') || phase.runId !== report.runId) return stale;
  const current = task.runs.find((candidate) => candidate.id === report.runId);
  if (current === undefined) return stale;
  if (phase.type === 'stopping') return stopped(decision, task, phase, current, report);
  switch (report.type) {
    case 'run-succeeded':
      return succeeded(decision, task, phase, current, report);
    case 'run-failed': {
      const { failure, sessionId, costUsd, cliVersion } = report;
      decision.emit('run.failed', task.id, {
        runId: current.id,
        stage: current.stage,
        failure,
        outputDigest: null,
        sessionId,
        costUsd,
        cliVersion,
      });
      followPolicy(decision, task.id, current.stage, failure, report.random);
      return null;
    }
    case 'run-stopped': {
      // Nobody asked for it: something outside ended the run, which is a failure like any other.
      const failure = { code: 'killed', message: 'The run was ended from outside.' } as const;
      const { sessionId, costUsd } = report;
      decision.emit('run.failed', task.id, {
        runId: current.id,
        stage: current.stage,
        failure,
        outputDigest: null,
        sessionId,
        costUsd,
        cliVersion: null,
      });
      followPolicy(decision, task.id, current.stage, failure, 0);
      return null;
    }
    default:
      return assertNever(report);
  }
}

function stopped(
  decision: Decision,
  task: Task,
  phase: Extract<Phase, { type: 'stopping' }>,
  current: Run,
  report: Report<'run-succeeded' | 'run-failed' | 'run-stopped'>,
): null {
  // Whatever it reached before it ended, the person wanted it stopped.
  const { sessionId, costUsd } = report;
  decision.emit('run.cancelled', task.id, { runId: current.id, stage: current.stage, sessionId, costUsd });
  followIntent(decision, task.id, phase.intent);
  return null;
}

function succeeded(
  decision: Decision,
  task: Task,
  phase: Extract<Phase, { type: 'running' }>,
  current: Run,
  report: Report<'run-succeeded'>,
): null {
  const { outputDigest, sessionId, costUsd, cliVersion, commit, verdict } = report;
  const { id: runId, stage } = current;
  const lease = { id: phase.leaseId, port: current.containerPort };
  if (verdict?.type === 'fail') {
    const failure = { code: verdict.code, message: verdict.message };
    decision.emit('run.failed', task.id, {
      runId,
      stage,
      failure,
      outputDigest,
      sessionId,
      costUsd,
      cliVersion,
    });
    decision.emit('context.accepted', task.id, { stage, digest: outputDigest });
    rework(decision, task.id, verdict, outputDigest, lease);
    return null;
  }
  decision.emit('run.completed', task.id, {
    runId,
    stage,
    outputDigest,
    sessionId,
    costUsd,
    cliVersion,
    commit,
  });
  if (opensGate(task, stage)) {
    decision.emit('gate.opened', task.id, { stage, digest: outputDigest });
    return null;
  }
  decision.emit('context.accepted', task.id, { stage, digest: outputDigest });
  afterStage(decision, task.id, stage, lease);
  return null;
}

function merged(decision: Decision, task: Task, report: Report<'merged'>): Rejection | null {
  if (task.phase.type !== 'merging') return stale;
  decision.emit('task.accepted', task.id, { strategy: task.phase.strategy, commit: report.commit });
  releaseLease(decision, task.id, 'final');
  return null;
}

function cleanedUp(decision: Decision, task: Task, report: Report<'cleaned-up'>): Rejection | null {
  if (task.worktree === null) return stale;
  const { path } = task.worktree;
  if (report.kept === null) decision.emit('worktree.removed', task.id, { path });
  else decision.emit('worktree.kept', task.id, { path, reason: report.kept });
  return null;
}
