import { l10n } from 'vscode';
import { type Task, totalCostUsd } from '../../engine/domain/task.ts';
import { formatElapsed } from './elapsed.ts';
import { markdownText } from './markdownText.ts';
import { clockTime, costLabel, failureLabel, phaseLabel, stageLabel } from './taskLabels.ts';

/** More runs than that are history, which the inspector shows. */
const shownRuns = 6;

/**
 * All there is to know of a task at a glance, as Markdown. Titles, paths and words of agents are escaped: nothing of
 * theirs becomes markup or a link.
 */
export function taskTooltip(task: Task, now: number): string {
  const { phase, worktree } = task;
  const failure = 'failure' in phase ? phase.failure : null;
  const lines = [
    `**${markdownText(task.title, 200)}**`,
    task.description === '' ? '' : markdownText(task.description, 300),
    `${stageLabel(task.stage)}: ${markdownText(phaseLabel(task, now), 200)}`,
    failure === null ? '' : markdownText(failure.message, 500),
    failure?.remedy === undefined ? '' : `_${markdownText(failure.remedy, 500)}_`,
    runTable(task, now),
    [
      l10n.t('Cost: {0}', costLabel(totalCostUsd(task))),
      ...(task.qaRounds === 0
        ? []
        : [l10n.t('Rework: {0} of {1} rounds', task.qaRounds, task.settings.maxQaRounds)]),
      ...(task.priority === 0 ? [] : [l10n.t('Priority: {0}', task.priority)]),
    ].join(' · '),
    worktree === null ? '' : l10n.t('Branch: {0}', markdownText(worktree.branch, 200)),
    l10n.t('Created: {0}', markdownText(clockTime(task.createdAt, now), 60)),
  ];
  return lines.filter((line) => line !== '').join('\n\n');
}

function runTable({ runs }: Task, now: number): string {
  if (runs.length === 0) return '';
  const heads = [l10n.t('Stage'), l10n.t('Attempt'), l10n.t('Result'), l10n.t('Time'), l10n.t('Cost')];
  const rows = runs
    .slice(-shownRuns)
    .map((run) => [
      stageLabel(run.stage),
      String(run.attempt),
      outcomeLabel(run.outcome),
      formatElapsed((run.completedAt ?? now) - run.startedAt),
      costLabel(run.costUsd),
    ]);
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => markdownText(cell, 60)).join(' | ')} |`;
  return [row(heads), `|${' --- |'.repeat(heads.length)}`, ...rows.map(row)].join('\n');
}

function outcomeLabel(outcome: Task['runs'][number]['outcome']): string {
  if (outcome === null) return l10n.t('running');
  if (outcome === 'success') return l10n.t('succeeded');
  return outcome === 'cancelled' ? l10n.t('cancelled') : failureLabel(outcome);
}
