import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { AnswerTo, InspectorView, RunView } from '../../../src/engine/protocol/inspector.ts';
import { dropdown, loading } from '../components/controls.ts';
import { note, problem } from '../components/text.ts';
import { mark } from '../components/icon.ts';
import { runName, spokenDuration } from '../format.ts';
import { messageOf, type PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

type Report = AnswerTo<'report'> | 'asked' | { readonly type: 'failed'; readonly message: string };

const verdicts = {
  pass: mark('good', l10n.t('Met')),
  fail: mark('bad', l10n.t('Not met')),
  'not-judged': mark('open', l10n.t('Not judged')),
} as const;
const severities = {
  blocker: mark('bad', l10n.t('Blocker')),
  major: mark('warn', l10n.t('Major')),
  minor: mark('open', l10n.t('Minor')),
} as const;

/** What QA found: each criterion with verdict and evidence, findings, and what the tests printed. */
export class QaPage {
  private readonly host: PageHost;
  /** The report of one run at a time. */
  private digest: string | null = null;
  private report: Report = 'asked';

  constructor(host: PageHost) {
    this.host = host;
  }

  render(view: InspectorView): TemplateResult {
    const runs = view.runs.filter(({ stage, outputDigest }) => stage === 'qa' && outputDigest !== null);
    const run = runs.find(({ id }) => id === this.host.place.runId) ?? runs.at(-1);
    if (run === undefined || run.outputDigest === null)
      return note(l10n.t('No QA report yet: QA runs after the implementation.'));
    const report = this.read(run.outputDigest);
    return html`<section aria-label=${l10n.t('QA report')}>
      ${runs.length < 2 ? nothing : this.choice(runs, run)}
      ${
        report === 'asked'
          ? loading(l10n.t('Reading the report…'))
          : report.type === 'failed'
            ? problem(report.message)
            : this.content(report)
      }
    </section>`;
  }

  private choice(runs: readonly RunView[], run: RunView): TemplateResult {
    return html`<div class="toolbar">
      ${dropdown({
        label: l10n.t('Report of'),
        value: run.id,
        choices: runs.map((each) => ({
          value: each.id,
          label: `${runName(each)}, ${each.outcome ?? each.status}`,
        })),
        onChange: (value) => {
          const chosen = runs.find(({ id }) => id === value);
          if (chosen !== undefined) this.host.goTo({ runId: chosen.id });
        },
      })}
    </div>`;
  }

  private content(report: AnswerTo<'report'>): TemplateResult {
    const met = report.criteria.filter(({ verdict }) => verdict === 'pass').length;
    return html`<h2>
        ${report.verdict === 'pass' ? mark('good', l10n.t('Passed')) : mark('bad', l10n.t('Failed'))}
      </h2>
      <p class="said">${report.summary}</p>
      <h3>${l10n.t('Acceptance criteria: {0} of {1} met', met, report.criteria.length)}</h3>
      <div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Acceptance criteria')}>
        <table>
          <thead>
            <tr>
              <th scope="col">${l10n.t('Criterion')}</th>
              <th scope="col" class="short">${l10n.t('Verdict')}</th>
              <th scope="col">${l10n.t('Evidence')}</th>
            </tr>
          </thead>
          <tbody>
            ${report.criteria.map(
              ({ id, text, verdict, evidence }) =>
                html`<tr>
                  <th scope="row">
                    ${id}${text === null ? nothing : html`<span class="text">${text}</span>`}
                  </th>
                  <td class="short">${verdicts[verdict]}</td>
                  <td class="said">${evidence}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <h3>${l10n.t('Findings')}</h3>
      ${
        report.findings.length === 0
          ? note(l10n.t('None.'))
          : html`<ul class="findings">
              ${report.findings.map((finding) => this.finding(finding))}
            </ul>`
      }
      <h3>${l10n.t('Tests')}</h3>
      ${this.tests(report.tests)}`;
  }

  private finding({ severity, message, file, line }: AnswerTo<'report'>['findings'][number]): TemplateResult {
    return html`<li>
      ${severities[severity]} <span class="said">${message}</span>
      ${file === null ? nothing : this.place(file, line)}
    </li>`;
  }

  private place(file: string, line: number | null): TemplateResult {
    const name = `${file}${line === null ? '' : `:${line}`}`;
    if (!this.host.opensFiles) return html`<code>${name}</code>`;
    return html`<button class="link" @click=${() => this.host.channel.post({ type: 'open', file, line })}>
      ${name}
    </button>`;
  }

  private tests(tests: AnswerTo<'report'>['tests']): TemplateResult {
    if (tests === null) return note(l10n.t('The project has no test command.'));
    const { command, exitCode, durationMs, outputTail } = tests;
    const ending = exitCode === null ? l10n.t('ended before it finished') : l10n.t('exit code {0}', exitCode);
    return html`<p>
        <code>${command}</code>
        ${mark(exitCode === 0 ? 'good' : 'bad', `${ending}, ${spokenDuration(durationMs)}`)}
      </p>
      ${outputTail.trim() === '' ? note(l10n.t('It printed nothing.')) : html`<pre tabindex="0" aria-label=${l10n.t('End of the test output')}>${outputTail}</pre>`}`;
  }

  private read(digest: NonNullable<RunView['outputDigest']>): Report {
    if (digest === this.digest) return this.report;
    this.digest = digest;
    this.report = 'asked';
    void this.host.channel
      .ask({ type: 'report', digest })
      .catch((error: unknown) => ({ type: 'failed', message: messageOf(error) }) as const)
      .then((report) => {
        if (this.digest === digest) this.report = report;
        this.host.update();
      });
    return this.report;
  }
}
