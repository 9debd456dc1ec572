import { l10n } from 'vscode';
import type { FailureCode } from '../../engine/domain/outcome.ts';
import type { Task } from '../../engine/domain/task.ts';
import type { SessionState } from '../session.ts';
import { plainLine } from './markdownText.ts';
import type { TaskCounts } from '../../engine/inspection/groupedTasks.ts';

/** How many tasks wait for a person: for a decision, or for the review that accepts them. */
export function waitingForPerson({ needsYou, toReview }: TaskCounts): number {
  return needsYou + toReview;
}

/** For the status bar: icons keep it short, `accessibleSummary` says it in words. `atMost`: how many may run at once. */
export function statusBarText(counts: TaskCounts, atMost: number): string {
  const { running, queued } = counts;
  const waiting = waitingForPerson(counts);
  return [
    `${running > 0 ? '$(sync~spin)' : '$(layers)'} ${running}/${atMost}`,
    ...(queued > 0 ? [`$(clock) ${queued}`] : []),
    ...(waiting > 0 ? [`$(bell-dot) ${waiting}`] : []),
  ].join(' ');
}

export function accessibleSummary(counts: TaskCounts, atMost: number): string {
  const { running, queued } = counts;
  return [
    l10n.t('{0} of {1} running', running, atMost),
    l10n.t('{0} queued', queued),
    waitingSummary(counts),
  ].join(', ');
}

/** What the badge counts, in words: a completed task needs the person too, for it waits to be accepted. */
export function waitingSummary(counts: TaskCounts): string {
  const waiting = waitingForPerson(counts);
  const all = waiting === 1 ? l10n.t('1 task needs you') : l10n.t('{0} tasks need you', waiting);
  if (counts.toReview === 0) return all;
  return l10n.t('{0} ({1} to decide, {2} to review)', all, counts.needsYou, counts.toReview);
}

/** Failures that are not the task's own: whatever runs next meets them too. */
const general: readonly FailureCode[] = [
  'authentication',
  'billing',
  'cli-unusable',
  'environment',
  'isolation-away',
  'usage-limit',
  'network',
];

/** What keeps the work from going on, for the line above the tree; undefined when nothing does. */
export function degradedMessage(state: SessionState, heldUp: readonly Task[]): string | undefined {
  if (state.type === 'failed')
    return [state.message, ...(state.remedy === null ? [] : [state.remedy])]
      .map((text) => plainLine(text, 400))
      .join(' ');
  for (const code of general) {
    const found = heldUp.find(({ phase }) => 'failure' in phase && phase.failure.code === code);
    if (found === undefined || !('failure' in found.phase)) continue;
    const { message, remedy } = found.phase.failure;
    return [message, ...(remedy === undefined ? [] : [remedy])].map((text) => plainLine(text, 400)).join(' ');
  }
  if (state.type === 'following')
    return l10n.t('{0} runs these tasks; this window follows.', plainLine(state.holder, 100));
  return undefined;
}

/** The value of the context key `orchestrator.state`. */
export function stateKey(state: SessionState): string {
  return state.type === 'unavailable' ? state.reason : state.type;
}
