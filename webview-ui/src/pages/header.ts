import { html, nothing, type TemplateResult } from 'lit/html.js';
import type {
  InspectorAction,
  InspectorView,
  RunView,
  TaskView,
} from '../../../src/engine/protocol/inspector.ts';
import { button } from '../components/controls.ts';
import { mark } from '../components/icon.ts';
import { duration, phaseNames, spokenDuration, stageNames, usd } from '../format.ts';
import { l10n } from '../l10n.ts';

const stages = ['specification', 'implementation', 'qa'] as const;
type Stage = (typeof stages)[number];

/** A person's moves as words and icons. */
export const actionLabels: Readonly<
  Record<InspectorAction, { readonly label: string; readonly icon: string }>
> = {
  approve: { label: l10n.t('Approve'), icon: 'check' },
  edit: { label: l10n.t('Edit Specification'), icon: 'edit' },
  'send-back': { label: l10n.t('Send Back with Notes'), icon: 'reply' },
  answer: { label: l10n.t('Answer Open Questions'), icon: 'question' },
  retry: { label: l10n.t('Retry Stage'), icon: 'refresh' },
  advance: { label: l10n.t('Advance'), icon: 'debug-step-over' },
  pause: { label: l10n.t('Pause'), icon: 'debug-pause' },
  resume: { label: l10n.t('Resume'), icon: 'debug-continue' },
  cancel: { label: l10n.t('Cancel'), icon: 'circle-slash' },
  'show-changes': { label: l10n.t('Show Changes'), icon: 'diff-multiple' },
  'open-app': { label: l10n.t('Open App'), icon: 'link-external' },
  accept: { label: l10n.t('Accept and Merge'), icon: 'git-merge' },
};

/** Title, standing, the three stages with their times, and the moves that make sense now. */
export function header(
  view: InspectorView,
  now: number,
  act: (action: InspectorAction) => void,
): TemplateResult {
  const { task, runs } = view;
  const cost = runs.reduce((sum, { costUsd }) => sum + costUsd, 0);
  return html`<header>
    <h1>${task.title}</h1>
    <p class="standing">
      ${standing(task)} ${task.reason === null ? nothing : html`<span class="reason">${task.reason}</span>`}
    </p>
    <ol class="stepper" aria-label=${l10n.t('Stages')}>
      ${stages.map((stage) => step(stage, task, runs, now))}
    </ol>
    <dl class="facts">
      ${fact(l10n.t('Cost'), task.maxBudgetUsd === null ? usd(cost) : l10n.t('{0} of {1}', usd(cost), usd(task.maxBudgetUsd)))}
      ${fact(l10n.t('Branch'), task.branch)}
      ${fact(l10n.t('Port'), task.port === null ? null : String(task.port))}
      ${fact(l10n.t('QA rounds'), task.qaRounds === 0 ? null : l10n.t('{0} of {1}', task.qaRounds, task.maxQaRounds))}
    </dl>
    <div class="actions" role="group" aria-label=${l10n.t('Actions')}>
      ${task.actions.map((action, index) =>
        button({
          ...actionLabels[action],
          look: index === 0 && task.needsPerson ? 'primary' : 'secondary',
          onClick: () => act(action),
        }),
      )}
    </div>
  </header>`;
}

/** What a screen reader is told when it changes: no times, or it would never be silent. */
export const announcement = ({ task }: InspectorView): string =>
  l10n.t('{0}: {1}', stageNames[task.stage], phaseNames[task.phase]);

/** What a task does or waits for. */
export function standing(task: Pick<TaskView, 'phase'>): TemplateResult {
  const name = phaseNames[task.phase];
  switch (task.phase) {
    case 'preparing':
    case 'running':
    case 'stopping':
    case 'merging':
      return mark('running', name);
    case 'attention':
      return mark('bad', name);
    case 'gate':
    case 'paused':
    case 'parked':
    case 'backoff':
      return mark('warn', name);
    case 'completed':
    case 'done':
      return mark('good', name);
    case 'queued':
    case 'cancelled':
      return mark('open', name);
  }
}

function step(stage: Stage, task: TaskView, runs: readonly RunView[], now: number): TemplateResult {
  const own = runs.filter((run) => run.stage === stage);
  const newest = own.at(-1);
  const time = own.reduce((sum, run) => sum + (run.completedAt ?? now) - run.startedAt, 0);
  const isCurrent =
    task.stage === stage && !['completed', 'merging', 'done', 'cancelled'].includes(task.phase);
  const tries = own.length > 1 ? l10n.t(', {0} runs', own.length) : '';
  return html`<li class=${isCurrent ? 'current' : ''} aria-current=${isCurrent ? 'step' : nothing}>
    <span class="stage">${stageNames[stage]}</span>
    ${stepMark(newest, isCurrent, task)}
    <span class="time"
      >${
        newest === undefined
          ? '–'
          : html`<span aria-hidden="true">${duration(time)}</span
              ><span class="unseen">${spokenDuration(time)}</span>`
      }${tries}</span
    >
  </li>`;
}

function stepMark(newest: RunView | undefined, isCurrent: boolean, task: TaskView): TemplateResult {
  if (newest === undefined) return mark('open', isCurrent ? phaseNames[task.phase] : l10n.t('To come'));
  switch (newest.status) {
    case 'running':
      return mark('running', l10n.t('Running'));
    case 'completed':
      return mark('good', l10n.t('Completed'));
    case 'cancelled':
      return mark('open', l10n.t('Stopped'));
    case 'failed':
      return mark('bad', l10n.t('Failed'));
  }
}

const fact = (name: string, value: string | null): TemplateResult | typeof nothing =>
  value === null
    ? nothing
    : html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`;
