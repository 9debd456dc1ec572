import { releaseLease } from './admission.ts';
import { slotPorts } from './allocation.ts';
import { budgetSpent, isBudgetSpent } from './budget.ts';
import { contextFor } from './context.ts';
import type { Verdict } from './commands.ts';
import type { Decision } from './decision.ts';
import { runIdOf, type Digest, type LeaseId, type RunId, type TaskId } from './ids.ts';
import type { Failure } from './outcome.ts';
import { failurePolicies, retryAt, slotRecheckMs } from './policy.ts';
import { nextStage, type Stage } from './stage.ts';
import type { QueueReason, StopIntent, Task } from './task.ts';

/** Starts the next run of a stage in the lease the task holds. The caller made sure that its context is there. */
export function startRun(
  decision: Decision,
  taskId: TaskId,
  leaseId: LeaseId,
  stage: Stage,
  containerPort: number | null,
): void {
  const task = decision.task(taskId);
  if (isBudgetSpent(task)) {
    askPerson(decision, taskId, stage, budgetSpent(task));
    return;
  }
  const inputDigests = contextFor(task, stage);
  if (inputDigests === null) {
    askPerson(decision, taskId, stage, {
      code: 'internal',
      message: `The ${stage} stage lacks the accepted result of a stage before it.`,
      remedy: 'Send the task back to the earlier stage.',
    });
    return;
  }
  const { runId, attempt } = nextRunOf(task, stage);
  decision.emit('run.started', taskId, { runId, leaseId, stage, attempt, inputDigests, containerPort });
}

/** The run of this stage that would begin now. */
export function nextRunOf(task: Task, stage: Stage): { readonly runId: RunId; readonly attempt: number } {
  const attempt = task.runs.filter((run) => run.stage === stage).length + 1;
  return { runId: runIdOf(task.id, stage, attempt), attempt };
}

/** Whether a person reads the stage's result before the task goes on. */
export function opensGate({ settings }: Task, stage: Stage): stage is 'specification' {
  return stage === 'specification' && settings.gates.includes(stage);
}

/** The stage that begins by itself when this one ends well; null after the last, and where a person is asked before. */
export function followingStage(task: Task, stage: Stage): Stage | null {
  return opensGate(task, stage) || isBudgetSpent(task) ? null : nextStage(stage);
}

export function queue(decision: Decision, taskId: TaskId, stage: Stage, reason: QueueReason): void {
  decision.emit('task.queued', taskId, { stage, reason });
}

function askPerson(decision: Decision, taskId: TaskId, stage: Stage, failure: Failure): void {
  decision.emit('task.needs-attention', taskId, { stage, failure });
}

/** A stage's bundle was accepted: on to the next stage, or to the person after the last. */
export function afterStage(
  decision: Decision,
  taskId: TaskId,
  stage: Stage,
  lease: { readonly id: LeaseId; readonly port: number | null },
): void {
  const next = nextStage(stage);
  const task = decision.task(taskId);
  if (next === null) {
    decision.emit('task.completed', taskId, { commit: task.commit ?? '' });
    return;
  }
  startRun(decision, taskId, lease.id, next, lease.port);
}

/** QA found faults: back to implementation, unless another round would be the same again. */
export function rework(
  decision: Decision,
  taskId: TaskId,
  verdict: Extract<Verdict, { type: 'fail' }>,
  report: Digest,
  lease: { readonly id: LeaseId; readonly port: number | null },
): void {
  const task = decision.task(taskId);
  const round = task.qaRounds + 1;
  const failure: Failure = { code: verdict.code, message: verdict.message };
  if (task.lastFindings === verdict.findings) {
    const message = `QA found the same again after rework. ${verdict.message}`;
    askPerson(decision, taskId, 'qa', {
      ...failure,
      message,
      remedy: 'Send it back with a note, or advance it to take it as it is.',
    });
  } else if (round > task.settings.maxQaRounds) {
    const message = `QA still finds faults after ${task.settings.maxQaRounds} rounds of rework. ${verdict.message}`;
    askPerson(decision, taskId, 'qa', {
      ...failure,
      message,
      remedy: 'Send it back with a note, or advance it to take it as it is.',
    });
  } else {
    decision.emit('rework.requested', taskId, { round, report, findings: verdict.findings });
    startRun(decision, taskId, lease.id, 'implementation', lease.port);
  }
}

/** What the policy says about a failed run or preparation. The task stops executing. */
export function followPolicy(
  decision: Decision,
  taskId: TaskId,
  stage: Stage,
  failure: Failure,
  random: number,
): void {
  const policy = failurePolicies[failure.code];
  const { now } = decision;
  const retry = decision.task(taskId).retries + 1;
  if (policy.action === 'park') {
    // A reset that is said to be past, since a clock is wrong, must not make this a loop.
    const until = Math.max(failure.notBefore ?? now + policy.defaultMs, now + policy.leastMs);
    decision.emit('task.parked', taskId, { stage, until, failure });
  } else if (policy.action === 'retry' && retry <= policy.maxRetries) {
    const until = retryAt(policy, retry, failure, now, random);
    decision.emit('task.backoff', taskId, { stage, until, failure, retry });
  } else {
    askPerson(decision, taskId, stage, failure);
  }
}

/** The run or preparation that a person wanted stopped has ended. */
export function followIntent(decision: Decision, taskId: TaskId, intent: StopIntent): void {
  const { stage } = decision.task(taskId);
  if (intent === 'pause') {
    decision.emit('task.paused', taskId, { stage });
    return;
  }
  decision.emit('task.cancelled', taskId, { stage });
  releaseLease(decision, taskId, 'final');
}

/** A stranger holds the slot's port: the task takes another slot; with none left a person is told by whom. */
export function blockSlot(decision: Decision, taskId: TaskId, leaseId: LeaseId, failure: Failure): void {
  const { allocation } = decision.state;
  const port = slotPorts.find((candidate) => {
    const slot = allocation.slots[candidate];
    return slot.type === 'leased' && slot.leaseId === leaseId;
  });
  if (port === undefined) return;
  decision.emit('slot.blocked', taskId, {
    port,
    holder: failure.message,
    until: decision.now + slotRecheckMs,
  });
  const { slots } = decision.state.allocation;
  if (slotPorts.every((candidate) => slots[candidate].type === 'blocked')) {
    askPerson(decision, taskId, decision.task(taskId).stage, failure);
  } else {
    queue(decision, taskId, decision.task(taskId).stage, 'slot-blocked');
  }
}
