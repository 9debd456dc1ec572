import { l10n } from 'vscode';
import { maxExecuting } from '../../engine/domain/allocation.ts';
import type { FailureCode } from '../../engine/domain/outcome.ts';
import type { Task } from '../../engine/domain/task.ts';
import type { SessionState } from '../session.ts';
import { plainLine } from './markdownText.ts';
import type { TaskCounts } from '../../engine/inspection/groupedTasks.ts';

/** For the status bar: icons keep it short, `accessibleSummary` says it in words. */
export function statusBarText({ running, queued, needsYou }: TaskCounts): string {
  return [
    `${running > 0 ? '$(sync~spin)' : '$(layers)'} ${running}/${maxExecuting}`,
    ...(queued > 0 ? [`$(clock) ${queued}`] : []),
    ...(needsYou > 0 ? [`$(bell-dot) ${needsYou}`] : []),
  ].join(' ');
}

export function accessibleSummary({ running, queued, needsYou }: TaskCounts): string {
  return [
    l10n.t('{0} of {1} running', running, maxExecuting),
    l10n.t('{0} queued', queued),
    needsYou === 1 ? l10n.t('1 task needs you') : l10n.t('{0} tasks need you', needsYou),
  ].join(', ');
}

/** Failures that are not the task's own: whatever runs next meets them too. */
const general: readonly FailureCode[] = [
  'authentication',
  'billing',
  'cli-unusable',
  'environment',
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
