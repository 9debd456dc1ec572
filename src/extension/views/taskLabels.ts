import { l10n } from 'vscode';
import { assertNever } from '../../engine/domain/assertNever.ts';
import type { FailureCode } from '../../engine/domain/outcome.ts';
import type { Stage } from '../../engine/domain/stage.ts';
import { type Task, totalCostUsd } from '../../engine/domain/task.ts';
import { formatElapsed, workedMs } from './elapsed.ts';
import { plainLine } from './markdownText.ts';
import type { TaskGroup } from '../../engine/protocol/taskGroups.ts';

/** Longer titles are cut: a row is one line. */
const longestTitle = 200;

export function groupLabel(group: TaskGroup): string {
  switch (group) {
    case 'queued':
      return l10n.t('Queued');
    case 'specification':
      return l10n.t('Specification');
    case 'implementation':
      return l10n.t('Implementation');
    case 'qa':
      return l10n.t('QA');
    case 'needs-you':
      return l10n.t('Needs You');
    case 'completed':
      return l10n.t('Completed');
    case 'done':
      return l10n.t('Done');
    default:
      return assertNever(group);
  }
}

/** `3`, or `2 of 3` while a filter hides some. */
export function countLabel(shown: number, total: number): string {
  return shown === total ? String(total) : l10n.t('{0} of {1}', shown, total);
}

export function stageLabel(stage: Stage): string {
  return groupLabel(stage);
}

export function taskLabel({ title }: Pick<Task, 'title'>): string {
  return plainLine(title, longestTitle);
}

/** What the task does or waits for, in a few words. */
export function phaseLabel(task: Task, now: number): string {
  const { phase } = task;
  switch (phase.type) {
    case 'queued':
      return task.runs.length === 0 ? l10n.t('waits for its turn') : l10n.t('waits for its turn again');
    case 'preparing':
      return l10n.t('preparing');
    case 'running':
      return l10n.t('running');
    case 'stopping':
      return phase.intent === 'pause' ? l10n.t('pausing') : l10n.t('cancelling');
    case 'gate':
      return l10n.t('specification waits for approval');
    case 'backoff':
      return l10n.t('{0}, tries again at {1}', failureLabel(phase.failure.code), clockTime(phase.until, now));
    case 'parked':
      return l10n.t('{0}, goes on at {1}', failureLabel(phase.failure.code), clockTime(phase.until, now));
    case 'attention':
      return l10n.t('{0}: {1}', stageLabel(task.stage), failureLabel(phase.failure.code));
    case 'paused':
      return l10n.t('paused');
    case 'completed':
      return l10n.t('ready for review');
    case 'merging':
      return l10n.t('merging');
    case 'done':
      return phase.strategy === 'none' ? l10n.t('accepted') : l10n.t('merged');
    case 'cancelled':
      return l10n.t('cancelled');
    default:
      return assertNever(phase);
  }
}

/** Beside the title: state, time, attempt and cost, as far as there is any. `now` in epoch ms. */
export function taskDescription(task: Task, now: number): string {
  return facts(task, now, (attempt) => l10n.t('#{0}', attempt)).join(' · ');
}

/** The whole row in words, for a screen reader: icon and abbreviations included. */
export function taskAccessibleLabel(task: Task, now: number): string {
  return [taskLabel(task), ...facts(task, now, (attempt) => l10n.t('attempt {0}', attempt))].join(', ');
}

function facts(task: Task, now: number, attemptLabel: (attempt: number) => string): readonly string[] {
  const { phase, runs } = task;
  const showsTime = phase.type !== 'queued' && phase.type !== 'preparing' && runs.length > 0;
  const attempt = runs.findLast((run) => run.stage === task.stage)?.attempt;
  const isOver = ['completed', 'merging', 'done', 'cancelled'].includes(phase.type);
  const cost = totalCostUsd(task);
  return [
    // The icon and the stage's group say it.
    ...(phase.type === 'running' ? [] : [phaseLabel(task, now)]),
    ...(showsTime ? [formatElapsed(workedMs(task, now))] : []),
    ...(attempt === undefined || isOver ? [] : [attemptLabel(attempt)]),
    ...(cost > 0 ? [costLabel(cost)] : []),
  ];
}

export function costLabel(usd: number): string {
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}

export function failureLabel(code: FailureCode): string {
  switch (code) {
    case 'authentication':
      return l10n.t('not signed in');
    case 'billing':
      return l10n.t('billing problem');
    case 'rate-limit':
      return l10n.t('rate limit');
    case 'usage-limit':
      return l10n.t('usage limit');
    case 'overloaded':
      return l10n.t('service overloaded');
    case 'server-error':
      return l10n.t('server error');
    case 'network':
      return l10n.t('no connection');
    case 'request-rejected':
      return l10n.t('request rejected');
    case 'prompt-too-long':
      return l10n.t('prompt too long');
    case 'no-verdict':
      return l10n.t('no usable result');
    case 'no-change':
      return l10n.t('nothing changed');
    case 'forbidden-change':
      return l10n.t('changed what it must not');
    case 'tests-failed':
      return l10n.t('tests failed');
    case 'qa-failed':
      return l10n.t('QA failed');
    case 'turns':
      return l10n.t('turn limit reached');
    case 'budget':
      return l10n.t('budget used up');
    case 'timeout':
      return l10n.t('timed out');
    case 'killed':
      return l10n.t('was killed');
    case 'cli-unusable':
      return l10n.t('Claude Code unusable');
    case 'environment':
      return l10n.t('environment not ready');
    case 'isolation-away':
      return l10n.t('Docker does not answer');
    case 'disk-full':
      return l10n.t('disk full');
    case 'port-taken':
      return l10n.t('port taken');
    case 'merge-conflict':
      return l10n.t('merge conflict');
    case 'internal':
      return l10n.t('internal error');
    case 'imported':
      return l10n.t('begun on another board');
    default:
      return assertNever(code);
  }
}

const time = { hour: '2-digit', minute: '2-digit' } as const;
// Made once, as making one takes longer than all the rest of a row; and at first use, as the first one of a process takes
// as long as everything else in the extension's activation.
const timeOfDay = once(() => new Intl.DateTimeFormat(undefined, time));
const dayAndTime = once(
  () => new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', ...time }),
);

/** `14:05` today, as people here write it; with the date on another day. */
export function clockTime(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return (isToday ? timeOfDay() : dayAndTime()).format(at);
}

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => (value ??= make());
}
