import { html, nothing, svg, type TemplateResult } from 'lit/html.js';
import type { Measure, MeasureId, MetricsView } from '../../src/engine/protocol/inspectorMetrics.ts';
import { note } from './components/text.ts';
import { mark } from './components/icon.ts';
import { dateTime, percent, spokenDuration, usd, whole } from './format.ts';
import { l10n } from './l10n.ts';

interface Description {
  readonly name: string;
  readonly definition: string;
  readonly target: string;
  readonly trend: string;
  readonly meets: (value: number) => boolean;
  readonly show: (value: number) => string;
  /** The target as a value, for the chart. */
  readonly line: number;
  readonly behind: string;
  readonly showTask: (value: number) => string;
}

const thirtyMinutes = 30 * 60_000;
const byCohort = l10n.t('Each point: the tasks created in that period.');

const descriptions: Readonly<Record<MeasureId, Description>> = {
  completion: {
    name: l10n.t('Task completion'),
    definition: l10n.t('Of the tasks that came to an end or to a halt: how many completed.'),
    target: l10n.t('over 90 %'),
    trend: byCohort,
    meets: (value) => value > 0.9,
    show: percent,
    line: 0.9,
    behind: l10n.t('Completed'),
    showTask: (value) => (value === 1 ? l10n.t('yes') : l10n.t('no')),
  },
  'stage-time': {
    name: l10n.t('Average time per stage'),
    definition: l10n.t(
      'Mean time of a completed stage run, from its start to its end; waiting does not count.',
    ),
    target: l10n.t('under 30 minutes'),
    trend: byCohort,
    meets: (value) => value < thirtyMinutes,
    show: spokenDuration,
    line: thirtyMinutes,
    behind: l10n.t('Average'),
    showTask: spokenDuration,
  },
  utilization: {
    name: l10n.t('Container utilization'),
    definition: l10n.t(
      'Time in which tasks executed, of the time of the two execution slots, while anything waited or ran. It counts the two execution slots and not the pool of three containers: with two of three executing at most, the pool itself cannot pass 67 %.',
    ),
    target: l10n.t('over 70 %'),
    trend: l10n.t('Each point: all the time up to it.'),
    meets: (value) => value > 0.7,
    show: percent,
    line: 0.7,
    behind: l10n.t('Executed for'),
    showTask: spokenDuration,
  },
  preservation: {
    name: l10n.t('Context preservation'),
    definition: l10n.t(
      'Of the contexts that runs were given: how many are a recorded result of the same task whose stored bytes still match their digest.',
    ),
    target: l10n.t('100 %'),
    trend: byCohort,
    meets: (value) => value === 1,
    show: percent,
    line: 1,
    behind: l10n.t('Preserved'),
    showTask: percent,
  },
  intervention: {
    name: l10n.t('Intervention'),
    definition: l10n.t('Of the tasks that were started: how many needed a person because something failed.'),
    target: l10n.t('under 10 %'),
    trend: byCohort,
    meets: (value) => value < 0.1,
    show: percent,
    line: 0.1,
    behind: l10n.t('Needed a person'),
    showTask: (value) => (value === 0 ? l10n.t('no') : l10n.t('yes')),
  },
};

type OpenTask = (taskId: Measure['tasks'][number]['taskId']) => void;

/** The five success measures of the specification. */
export function metricsPage(view: MetricsView, openTask: OpenTask): TemplateResult {
  return html`<main>
    <header>
      <h1>${l10n.t('Success Metrics')}</h1>
      <p class="standing">
        ${
          view.tasks === 1
            ? l10n.t(
                '1 task, {0}, computed from the audit trail at {1}',
                usd(view.costUsd),
                dateTime(view.measuredAt),
              )
            : l10n.t(
                '{0} tasks, {1}, computed from the audit trail at {2}',
                whole(view.tasks),
                usd(view.costUsd),
                dateTime(view.measuredAt),
              )
        }
      </p>
    </header>
    <div class="measures">${view.measures.map((measure) => section(measure, openTask))}</div>
  </main>`;
}

function section(measure: Measure, openTask: OpenTask): TemplateResult {
  const about = descriptions[measure.id];
  const { value } = measure;
  return html`<section class="measure" aria-labelledby="name-${measure.id}">
    <h2 id="name-${measure.id}">${about.name}</h2>
    <p class="value">
      <span class="number">${value === null ? l10n.t('No data yet') : about.show(value)}</span>
      ${
        value === null
          ? nothing
          : about.meets(value)
            ? mark('good', l10n.t('meets the target'))
            : mark('warn', l10n.t('misses the target'))
      }
    </p>
    <p>${l10n.t('Target: {0}.', about.target)}</p>
    <p>${about.definition}</p>
    ${chart(measure, about)} ${behind(measure, about, openTask)}
  </section>`;
}

const width = 320;
const height = 96;
const margin = { top: 8, right: 8, bottom: 8, left: 8 };

function chart(measure: Measure, about: Description): TemplateResult {
  const points = measure.trend.flatMap(({ until, value }, index) =>
    value === null ? [] : [{ until, value, index }],
  );
  if (points.length < 2) return note(l10n.t('The trend appears with the second period that has data.'));
  const isTime = measure.id === 'stage-time';
  const top = isTime ? Math.max(about.line, ...points.map(({ value }) => value)) * 1.1 : 1;
  const x = (index: number): number =>
    margin.left + (index / (measure.trend.length - 1)) * (width - margin.left - margin.right);
  const y = (value: number): number =>
    height - margin.bottom - (value / top) * (height - margin.top - margin.bottom);
  const line = points.map(({ index, value }) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const spoken = points.map(({ value }) => about.show(value)).join(', ');
  return html`<figure>
    <svg
      viewBox="0 0 ${width} ${height}"
      role="img"
      aria-label=${l10n.t('Trend of {0}, oldest first: {1}', about.name, spoken)}
    >
      <line
        class="target"
        x1=${margin.left}
        x2=${width - margin.right}
        y1=${y(about.line)}
        y2=${y(about.line)}
      />
      <polyline class="trend" points=${line} />
      ${points.map(
        ({ index, value, until }) =>
          svg`<circle class="point" cx=${x(index)} cy=${y(value)} r="3"><title>${dateTime(until)}: ${about.show(value)}</title></circle>`,
      )}
    </svg>
    <figcaption>${about.trend} ${l10n.t('Dashed: the target.')}</figcaption>
  </figure>`;
}

function behind(measure: Measure, about: Description, openTask: OpenTask): TemplateResult {
  if (measure.tasks.length === 0) return html``;
  const more = measure.taskCount - measure.tasks.length;
  return html`<details>
    <summary>
      ${measure.taskCount === 1 ? l10n.t('1 task behind this') : l10n.t('{0} tasks behind this', whole(measure.taskCount))}
    </summary>
    <table>
      <thead>
        <tr>
          <th scope="col">${l10n.t('Task')}</th>
          <th scope="col">${about.behind}</th>
          <th scope="col">${l10n.t('Detail')}</th>
        </tr>
      </thead>
      <tbody>
        ${measure.tasks.map(
          ({ taskId, title, value, note: detail }) =>
            html`<tr>
              <th scope="row"><button class="link" @click=${() => openTask(taskId)}>${title}</button></th>
              <td class="short">${about.showTask(value)}</td>
              <td>${detail}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${more <= 0 ? nothing : note(l10n.t('And {0} more.', whole(more)))}
  </details>`;
}
