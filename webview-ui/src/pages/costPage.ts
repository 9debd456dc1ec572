import { html, type TemplateResult } from 'lit/html.js';
import type { InspectorView, RunView, TokenUsage } from '../../../src/engine/protocol/inspector.ts';
import { note } from '../components/text.ts';
import { duration, runName, stageNames, usd, whole } from '../format.ts';
import type { PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

const stages = ['specification', 'implementation', 'qa'] as const;

/** Dollars and tokens by stage and run, as far as the records hold them. */
export class CostPage {
  private readonly host: PageHost;
  /** By run; `asked` until the host has read it, null when the run left no count. */
  private readonly usage = new Map<string, TokenUsage | null | 'asked'>();

  constructor(host: PageHost) {
    this.host = host;
  }

  render({ runs }: InspectorView, now: number): TemplateResult {
    if (runs.length === 0) return note(l10n.t('Nothing was spent yet.'));
    for (const run of runs) if (run.status !== 'running' && !this.usage.has(run.id)) this.ask(run);
    const total = runs.reduce((sum, { costUsd }) => sum + costUsd, 0);
    return html`<section aria-label=${l10n.t('Cost')}>
      <div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Cost by stage and run')}>
        <table class="cost">
          <caption>
            ${runs.length === 1 ? l10n.t('{0} in 1 run', usd(total)) : l10n.t('{0} in {1} runs', usd(total), runs.length)}
          </caption>
          <thead>
            <tr>
              <th scope="col">${l10n.t('Stage and run')}</th>
              <th scope="col">${l10n.t('Outcome')}</th>
              <th scope="col">${l10n.t('Time')}</th>
              <th scope="col">${l10n.t('USD')}</th>
              <th scope="col">${l10n.t('Input')}</th>
              <th scope="col">${l10n.t('From cache')}</th>
              <th scope="col">${l10n.t('To cache')}</th>
              <th scope="col">${l10n.t('Output')}</th>
            </tr>
          </thead>
          ${stages.map((stage) =>
            this.stage(
              stage,
              runs.filter((run) => run.stage === stage),
              now,
            ),
          )}
        </table>
      </div>
      ${note(l10n.t('USD as Claude Code reports it for each run. Tokens are read from the run’s transcript; a run that was ended early, or whose transcript was removed, shows a dash.'))}
    </section>`;
  }

  private stage(stage: (typeof stages)[number], runs: readonly RunView[], now: number): TemplateResult {
    if (runs.length === 0) return html``;
    const usages = runs.flatMap(({ id }) => {
      const usage = this.usage.get(id);
      return usage === undefined || usage === null || usage === 'asked' ? [] : [usage];
    });
    const sum = usages.length === 0 ? null : usages.reduce(plus);
    const time = runs.reduce((all, run) => all + timeOf(run, now), 0);
    const cost = runs.reduce((all, { costUsd }) => all + costUsd, 0);
    return html`<tbody>
      <tr class="sum">
        <th scope="rowgroup">${stageNames[stage]}</th>
        <td></td>
        <td class="number">${duration(time)}</td>
        <td class="number">${usd(cost)}</td>
        ${cells(sum)}
      </tr>
      ${runs.map(
        (run) =>
          html`<tr>
            <th scope="row">${runName(run)}</th>
            <td>${run.outcome ?? run.status}</td>
            <td class="number">${duration(timeOf(run, now))}</td>
            <td class="number">${usd(run.costUsd)}</td>
            ${cells(this.usage.get(run.id) ?? null)}
          </tr>`,
      )}
    </tbody>`;
  }

  private ask(run: RunView): void {
    this.usage.set(run.id, 'asked');
    void this.host.channel
      .ask({ type: 'usage', runId: run.id })
      .then(({ tokens }) => tokens)
      // Without its transcript there is no count to show; the table says so.
      .catch(() => null)
      .then((tokens) => {
        this.usage.set(run.id, tokens);
        this.host.update();
      });
  }
}

const timeOf = (run: RunView, now: number): number => (run.completedAt ?? now) - run.startedAt;

const plus = (one: TokenUsage, other: TokenUsage): TokenUsage => ({
  input: one.input + other.input,
  output: one.output + other.output,
  cacheRead: one.cacheRead + other.cacheRead,
  cacheWrite: one.cacheWrite + other.cacheWrite,
});

function cells(usage: TokenUsage | null | 'asked'): TemplateResult[] {
  const values =
    usage === null || usage === 'asked'
      ? [null, null, null, null]
      : [usage.input, usage.cacheRead, usage.cacheWrite, usage.output];
  const absent = usage === 'asked' ? '…' : '–';
  return values.map((value) => html`<td class="number">${value === null ? absent : whole(value)}</td>`);
}
