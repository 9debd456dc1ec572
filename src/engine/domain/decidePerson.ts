import { releaseLease } from './admission.ts';
import { leaseOf } from './allocation.ts';
import { assertNever } from './assertNever.ts';
import { changeSettings } from './changeSettings.ts';
import type { PersonCommand, Rejection } from './commands.ts';
import { type Decision, reject } from './decision.ts';
import { queue } from './progress.ts';
import { isExecuting, isFinal, type Phase, type StopIntent, type Task } from './task.ts';

/** A person's move. Each refusal says what is so and what would work instead. */
export function decidePerson(decision: Decision, command: PersonCommand): Rejection | null {
  if (command.type === 'create') return create(decision, command);
  const task = decision.state.tasks.get(command.taskId);
  if (task === undefined) return reject('unknown-task', `There is no task ${command.taskId}.`);
  if (isFinal(task))
    return reject('final', `"${task.title}" is ${task.phase.type}; nothing more can happen to it.`);
  switch (command.type) {
    case 'approve':
      return task.phase.type === 'gate'
        ? approve(decision, task, task.phase)
        : notNow(task, 'approve', 'waits for no approval');
    case 'advance':
      return advance(decision, task);
    case 'retry':
      return retry(decision, task);
    case 'send-back':
      return sendBack(decision, task, command.note);
    case 'edit-specification':
      if (task.phase.type !== 'gate') return notNow(task, 'edit the specification', 'waits for no approval');
      decision.emit('specification.edited', task.id, { digest: command.digest });
      return null;
    case 'set-priority':
      if (!Number.isSafeInteger(command.priority))
        return reject('bad-input', 'A priority is a whole number.');
      if (command.priority !== task.priority) {
        decision.emit('task.prioritized', task.id, { priority: command.priority });
      }
      return null;
    case 'change-settings':
      return changeSettings(decision, task, command.settings);
    case 'release-container':
      return releaseContainer(decision, task);
    case 'pause':
      return pause(decision, task);
    case 'resume':
      if (task.phase.type !== 'paused') return notNow(task, 'resume', 'is not paused');
      queue(decision, task.id, task.stage, 'resumed');
      return null;
    case 'cancel':
      return cancel(decision, task);
    case 'accept':
      return accept(decision, task, command);
    default:
      return assertNever(command);
  }
}

function create(decision: Decision, command: Extract<PersonCommand, { type: 'create' }>): Rejection | null {
  const { taskId, title, description, priority, settings, requestDigest, paused } = command;
  if (decision.state.tasks.get(taskId) !== undefined)
    return reject('bad-input', `Task ${taskId} exists already.`);
  if (title.trim() === '')
    return reject('bad-input', 'A task needs a title: say in a few words what is to be done.');
  decision.emit('task.created', taskId, {
    title: title.trim(),
    description,
    priority,
    settings,
    requestDigest,
  });
  // In the same decision: in between it could be admitted.
  return paused === true ? pause(decision, decision.task(taskId)) : null;
}

function approve(decision: Decision, task: Task, gate: Extract<Phase, { type: 'gate' }>): null {
  decision.emit('context.accepted', task.id, { stage: gate.stage, digest: gate.digest });
  queue(decision, task.id, 'implementation', 'approved');
  return null;
}

/** The manual override: past the gate, the wait, or the failure that holds the task. */
function advance(decision: Decision, task: Task): Rejection | null {
  const { phase, stage } = task;
  switch (phase.type) {
    case 'gate':
      return approve(decision, task, phase);
    case 'backoff':
    case 'parked':
      queue(decision, task.id, stage, 'advanced');
      return null;
    case 'attention':
      // For want of money the stage could not even begin: there is no verdict yet that could be overruled.
      if (phase.failure.code === 'budget' && task.runs.at(-1)?.stage !== stage) {
        queue(decision, task.id, stage, 'advanced');
        return null;
      }
      if (stage === 'qa') {
        decision.emit('task.advanced', task.id, { stage, overruled: phase.failure.code });
        decision.emit('task.completed', task.id, { commit: task.commit ?? '' });
        return null;
      }
      if (task.accepted[stage] === undefined) {
        return reject(
          'not-now',
          `"${task.title}" has no accepted ${stage} to go on with. Retry it, or send it back with a note.`,
        );
      }
      decision.emit('task.advanced', task.id, { stage, overruled: phase.failure.code });
      queue(decision, task.id, decision.task(task.id).stage, 'advanced');
      return null;
    default:
      return notNow(task, 'advance', 'is not held up by anything');
  }
}

function retry(decision: Decision, task: Task): Rejection | null {
  if (!['attention', 'backoff', 'parked'].includes(task.phase.type))
    return notNow(task, 'retry', 'has not failed');
  queue(decision, task.id, task.stage, 'retry');
  return null;
}

function sendBack(decision: Decision, task: Task, note: string): Rejection | null {
  if (note.trim() === '') return reject('bad-input', 'Say in the note what should be different.');
  if (!['gate', 'attention', 'completed', 'paused'].includes(task.phase.type)) {
    return notNow(task, 'send back', 'has no result to look at yet');
  }
  const stage = task.stage === 'qa' ? 'implementation' : task.stage;
  const about = task.phase.type === 'gate' ? { about: task.phase.digest } : {};
  decision.emit('task.sent-back', task.id, { stage, note: note.trim(), ...about });
  queue(decision, task.id, stage, 'sent-back');
  return null;
}

function pause(decision: Decision, task: Task): Rejection | null {
  switch (task.phase.type) {
    case 'preparing':
    case 'running':
      return stop(decision, task, task.phase, 'pause');
    case 'queued':
    case 'backoff':
    case 'parked':
      decision.emit('task.paused', task.id, { stage: task.stage });
      return null;
    default:
      return notNow(task, 'pause', 'is not under way');
  }
}

function cancel(decision: Decision, task: Task): Rejection | null {
  switch (task.phase.type) {
    case 'preparing':
    case 'running':
    case 'stopping':
      return stop(decision, task, task.phase, 'cancel');
    case 'merging':
      return notNow(task, 'cancel', 'is being merged');
    default:
      decision.emit('task.cancelled', task.id, { stage: task.stage });
      releaseLease(decision, task.id, 'final');
      return null;
  }
}

function releaseContainer(decision: Decision, task: Task): Rejection | null {
  if (leaseOf(decision.state.allocation, task.id) === null) {
    return notNow(task, 'release the container', 'holds none');
  }
  if (isExecuting(task))
    return notNow(task, 'release the container', 'works in it; pause or cancel it first');
  releaseLease(decision, task.id, 'asked');
  return null;
}

function stop(
  decision: Decision,
  task: Task,
  phase: Extract<Phase, { type: 'preparing' | 'running' | 'stopping' }>,
  intent: StopIntent,
): Rejection | null {
  if (phase.type === 'stopping' && phase.intent === intent)
    return notNow(task, intent, 'is being stopped already');
  const runId = phase.type === 'preparing' ? null : phase.runId;
  decision.emit('task.stop-requested', task.id, { leaseId: phase.leaseId, runId, intent });
  return null;
}

function accept(
  decision: Decision,
  task: Task,
  command: Extract<PersonCommand, { type: 'accept' }>,
): Rejection | null {
  if (task.phase.type !== 'completed')
    return notNow(task, 'accept', 'is not completed; advance overrules a QA verdict');
  if (command.strategy !== 'none' && task.worktree?.baseBranch === null) {
    return reject(
      'bad-input',
      `"${task.title}" started from a detached HEAD, so there is no branch to merge into. Accept it with merge "none" and merge ${task.worktree.branch} yourself.`,
    );
  }
  decision.emit('merge.requested', task.id, { strategy: command.strategy });
  return null;
}

function notNow(task: Task, move: string, why: string): Rejection {
  return reject('not-now', `Cannot ${move}: "${task.title}" ${why} (${describe(task)}).`);
}

function describe(task: Task): string {
  const { phase } = task;
  if (phase.type === 'attention') return `needs attention in ${task.stage}: ${phase.failure.message}`;
  if (phase.type === 'gate') return `its ${phase.stage} waits for approval`;
  return `${phase.type}, ${task.stage}`;
}
