import { html, nothing, svg, type TemplateResult } from 'lit/html.js';
import type { Measure, MeasureId, MetricsView } from '../../src/engine/protocol/inspectorMetrics.ts';
import { note } from './components/text.ts';
import { mark } from './components/icon.ts';
import { dateTime, percent, spokenDuration, usd, whole } from './format.ts';

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
const byCohort = 'Each point: the tasks created in that period.';

const descriptions: Readonly<Record<MeasureId, Description>> = {
  completion: {
    name: 'Task completion',
    definition: 'Of the tasks that came to an end or to a halt: how many completed.',
    target: 'over 90 %',
    trend: byCohort,
    meets: (value) => value > 0.9,
    show: percent,
    line: 0.9,
    behind: 'Completed',
    showTask: (value) => (value === 1 ? 'yes' : 'no'),
  },
  'stage-time': {
    name: 'Average time per stage',
    definition: 'Mean time of a completed stage run, from its start to its end; waiting does not count.',
    target: 'under 30 minutes',
    trend: byCohort,
    meets: (value) => value < thirtyMinutes,
    show: spokenDuration,
    line: thirtyMinutes,
    behind: 'Average',
    showTask: spokenDuration,
  },
  utilization: {
    name: 'Container utilization',
    definition:
      'Time in which tasks executed, of the time of the two execution slots, while anything waited or ran. ' +
      'It counts the two execution slots and not the pool of three containers: with two of three executing at most, the pool itself cannot pass 67 %.',
    target: 'over 70 %',
    trend: 'Each point: all the time up to it.',
    meets: (value) => value > 0.7,
    show: percent,
    line: 0.7,
    behind: 'Executed for',
    showTask: spokenDuration,
  },
  preservation: {
    name: 'Context preservation',
    definition:
      'Of the contexts that runs were given: how many are a recorded result of the same task whose stored bytes still match their digest.',
    target: '100 %',
    trend: byCohort,
    meets: (value) => value === 1,
    show: percent,
    line: 1,
    behind: 'Preserved',
    showTask: percent,
  },
  intervention: {
    name: 'Intervention',
    definition: 'Of the tasks that were started: how many needed a person because something failed.',
    target: 'under 10 %',
    trend: byCohort,
    meets: (value) => value < 0.1,
    show: percent,
    line: 0.1,
    behind: 'Needed a person',
    showTask: (value) => (value === 0 ? 'no' : 'yes'),
  },
};

type OpenTask = (taskId: Measure['tasks'][number]['taskId']) => void;

/** The five success measures of the specification. */
export function metricsPage(view: MetricsView, openTask: OpenTask): TemplateResult {
  return html`<main>
    <header>
      <h1>Success Metrics</h1>
      <p class="standing">
        ${whole(view.tasks)} ${view.tasks === 1 ? 'task' : 'tasks'}, ${usd(view.costUsd)}, computed from the
        audit trail at ${dateTime(view.measuredAt)}
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
      <span class="number">${value === null ? 'No data yet' : about.show(value)}</span>
      ${
        value === null
          ? nothing
          : about.meets(value)
            ? mark('good', 'meets the target')
            : mark('warn', 'misses the target')
      }
    </p>
    <p>Target: ${about.target}.</p>
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
  if (points.length < 2) return note('The trend appears with the second period that has data.');
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
      aria-label="Trend of ${about.name}, oldest first: ${spoken}"
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
    <figcaption>${about.trend} Dashed: the target.</figcaption>
  </figure>`;
}

function behind(measure: Measure, about: Description, openTask: OpenTask): TemplateResult {
  if (measure.tasks.length === 0) return html``;
  const more = measure.taskCount - measure.tasks.length;
  return html`<details>
    <summary>${whole(measure.taskCount)} ${measure.taskCount === 1 ? 'task' : 'tasks'} behind this</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">${about.behind}</th>
          <th scope="col">Detail</th>
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
    ${more <= 0 ? nothing : note(`And ${whole(more)} more.`)}
  </details>`;
}
