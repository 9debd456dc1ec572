import { flow } from '@lit-labs/virtualizer/layouts/flow.js';
import { virtualize } from '@lit-labs/virtualizer/virtualize.js';
import { html, nothing, type TemplateResult } from 'lit/html.js';
import type {
  AnswerTo,
  Change,
  InspectorView,
  LiveEntry,
  RunView,
} from '../../../src/engine/protocol/inspector.ts';
import { button, dropdown, loading } from '../components/controls.ts';
import { mark } from '../components/icon.ts';
import { note, problem } from '../components/text.ts';
import { runName, whole } from '../format.ts';
import { LiveWindow } from '../liveWindow.ts';
import { LiveSearch } from './liveSearch.ts';
import { messageOf, type PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

/** Rows around what is visible that are asked for with it. */
const margin = 60;
/** Opened entries that the page keeps. */
const mostOpen = 50;

const kinds: Readonly<Record<LiveEntry['kind'], { readonly label: string; readonly icon: string }>> = {
  says: { label: l10n.t('Says'), icon: 'comment' },
  does: { label: l10n.t('Does'), icon: 'tools' },
  result: { label: l10n.t('Result'), icon: 'indent' },
  'failed-result': { label: l10n.t('Failed'), icon: 'error' },
  waits: { label: l10n.t('Waits'), icon: 'clockface' },
  denied: { label: l10n.t('Denied'), icon: 'circle-slash' },
  note: { label: l10n.t('Note'), icon: 'info' },
  error: { label: l10n.t('Error'), icon: 'error' },
  raw: { label: l10n.t('Output'), icon: 'output' },
};

type Detail = AnswerTo<'live-detail'> | 'asked' | { readonly type: 'failed'; readonly message: string };

/** What the agent of a run says and does, as it happens, from its first line to its last. */
export class LivePage {
  private readonly host: PageHost;
  private runId: RunView['id'] | null = null;
  private window = new LiveWindow();
  private search: LiveSearch;
  private items: undefined[] = [];
  private follows = true;
  /** The entry to bring into view, when a search leads to it. */
  private target: number | null = null;
  private readonly details = new Map<number, Detail>();
  private failure: string | null = null;

  constructor(host: PageHost) {
    this.host = host;
    this.search = this.newSearch();
  }

  render(view: InspectorView): TemplateResult {
    const run = view.runs.find(({ id }) => id === this.host.place.runId) ?? view.runs.at(-1);
    if (run === undefined)
      return note(l10n.t('No run yet. What the agent says and does appears here as it happens.'));
    this.watch(run.id);
    return html`<section aria-label=${l10n.t('Live output')}>
      <div class="toolbar">
        ${dropdown({
          label: l10n.t('Run'),
          value: run.id,
          choices: view.runs.map((each) => ({ value: each.id, label: `${runName(each)}, ${each.status}` })),
          onChange: (value) => {
            const chosen = view.runs.find(({ id }) => id === value);
            if (chosen !== undefined)
              this.host.goTo({ runId: chosen.id === view.runs.at(-1)?.id ? null : chosen.id, search: '' });
          },
        })}
        ${this.search.render()}
        <span class="count"
          >${this.window.total === 1 ? l10n.t('1 entry') : l10n.t('{0} entries', whole(this.window.total))}</span
        >
        ${
          this.follows
            ? nothing
            : button({
                label: l10n.t('Follow'),
                icon: 'arrow-down',
                look: 'primary',
                onClick: () => this.follow(),
              })
        }
      </div>
      ${this.failure === null ? nothing : problem(this.failure)} ${this.entries(run)}
    </section>`;
  }

  onChange(change: Change): void {
    if (change.type !== 'live' || change.state.runId !== this.runId) return;
    const before = this.window.total;
    this.window.grow(change.state, change.tail);
    this.window.answer(change.answered);
    for (const { index } of change.answered) if (this.details.has(index)) this.readDetail(index);
    if (this.window.total === before) return;
    // The virtualizer looks at its items again when the array is another one; it needs their number alone.
    this.items = [];
    this.items.length = this.window.total;
  }

  /** The page is not shown any more: the host need not read for it. */
  leave(): void {
    if (this.runId === null) return;
    this.runId = null;
    this.host.channel.post({ type: 'watch', runId: null });
  }

  /** The host has forgotten what it sent. */
  restart(): void {
    if (this.runId === null) return;
    this.window.forget();
    this.host.channel.post({ type: 'watch', runId: this.runId });
  }

  private watch(runId: RunView['id']): void {
    if (runId === this.runId) return;
    this.runId = runId;
    this.window = new LiveWindow();
    this.items = [];
    this.details.clear();
    this.search = this.newSearch();
    this.follows = true;
    this.target = null;
    this.failure = null;
    this.host.channel.post({ type: 'watch', runId });
  }

  private entries(run: RunView): TemplateResult {
    const { total, ended } = this.window;
    if (total === 0)
      return ended || run.status !== 'running'
        ? ended
          ? note(l10n.t('This run wrote nothing, or its transcript was removed.'))
          : loading(l10n.t('Reading the output…'))
        : loading(l10n.t('Waiting for the agent’s first words…'));
    const pin = this.target ?? (this.follows ? total - 1 : null);
    return html`<div
      class="live"
      tabindex="0"
      role="region"
      aria-label=${l10n.t('Output of {0}, {1} entries', runName(run), whole(total))}
      @unpinned=${() => this.unpinned()}
      @keydown=${(event: KeyboardEvent) => this.onKey(event)}
      @visibilityChanged=${(event: Event & { readonly first: number; readonly last: number }) =>
        this.onVisible(event.first, event.last)}
    >
      ${virtualize({
        scroller: true,
        items: this.items,
        layout:
          pin === null
            ? flow()
            : flow({ pin: { index: pin, block: this.target === null ? 'end' : 'center' } }),
        keyFunction: (_item, index) => index,
        renderItem: (_item, index) => this.row(index, run.status === 'running'),
      })}
    </div>`;
  }

  private row(index: number, isRunning: boolean): TemplateResult {
    const entry = this.window.at(index);
    if (entry === undefined) {
      this.fetch(index, index);
      return html`<div class="entry absent"><span class="kind">…</span></div>`;
    }
    const { label, icon } = kinds[entry.kind];
    const detail = this.details.get(index);
    const isTarget = index === this.target ? ' target' : '';
    const failed = entry.call === 'failed' ? ' failed-result' : '';
    return html`<div class="entry ${entry.kind}${failed}${isTarget}">
      <span class="kind"><span class="codicon codicon-${icon}" aria-hidden="true"></span> ${label}</span>
      <div class="said">
        ${
          entry.hasDetail
            ? html`<button
                class="fold"
                aria-expanded=${detail === undefined ? 'false' : 'true'}
                @click=${() => this.toggle(index)}
              >
                <span
                  class="codicon codicon-chevron-${detail === undefined ? 'right' : 'down'}"
                  aria-hidden="true"
                ></span
                ><span class="text">${this.search.marked(entry.text)}</span>
                ${callMark(entry.call, isRunning)}
              </button>`
            : html`<span>${this.search.marked(entry.text)}</span>`
        }
        ${detail === undefined ? nothing : this.detail(detail, entry.call)}
      </div>
    </div>`;
  }

  private detail(detail: Detail, call: LiveEntry['call']): TemplateResult {
    if (detail === 'asked') return loading(l10n.t('Reading…'));
    if (detail.type === 'failed') return problem(detail.message);
    if (call === null) return block(l10n.t('Details'), detail);
    const result = call === 'failed' ? l10n.t('Failed result') : l10n.t('Result');
    return html`<p class="part">${l10n.t('Call')}</p>
      ${block(l10n.t('Call'), detail)}
      <p class="part">${result}</p>
      ${
        detail.result === null
          ? note(l10n.t('There is no result yet.'))
          : detail.result.text.trim() === ''
            ? note(l10n.t('It is empty.'))
            : block(result, detail.result)
      }`;
  }

  private toggle(index: number): void {
    this.follows = false;
    if (this.details.delete(index)) {
      this.host.update();
      return;
    }
    this.keepDetail(index, 'asked');
    this.readDetail(index);
    this.host.update();
  }

  private readDetail(index: number): void {
    const { runId } = this;
    if (runId === null) return;
    void this.host.channel
      .ask({ type: 'live-detail', runId, index })
      .catch((error: unknown) => ({ type: 'failed', message: messageOf(error) }) as const)
      .then((detail) => {
        if (this.runId === runId && this.details.has(index)) this.keepDetail(index, detail);
        this.host.update();
      });
  }

  private keepDetail(index: number, detail: Detail): void {
    this.details.set(index, detail);
    for (const oldest of this.details.keys()) {
      if (this.details.size <= mostOpen) break;
      this.details.delete(oldest);
    }
  }

  private onVisible(first: number, last: number): void {
    if (first >= 0) this.fetch(Math.max(0, first - margin), Math.min(this.window.total - 1, last + margin));
    // Back at the end by hand: it follows again.
    if (!this.follows && this.target === null && last >= this.window.total - 1 && this.details.size === 0) {
      this.follows = true;
      this.host.update();
    }
  }

  private fetch(first: number, last: number): void {
    const { runId, window } = this;
    if (runId === null) return;
    for (const range of window.missing(first, last)) {
      void this.host.channel
        .ask({ type: 'live', runId, ...range })
        .then(({ entries }) => window.accept(entries))
        .catch((error: unknown) => {
          this.failure = messageOf(error);
        })
        .finally(() => {
          window.settle(range.from);
          this.host.update();
        });
    }
  }

  private unpinned(): void {
    if (!this.follows && this.target === null) return;
    this.follows = false;
    this.target = null;
    this.host.update();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'End') this.follow();
    else if (event.key === 'Home') this.showEntry(0);
    else return;
    event.preventDefault();
  }

  private follow(): void {
    this.follows = true;
    this.target = null;
    this.host.update();
  }

  private showEntry(index: number): void {
    this.follows = false;
    this.target = index;
    this.fetch(Math.max(0, index - margin), Math.min(this.window.total - 1, index + margin));
    this.host.update();
  }

  private newSearch(): LiveSearch {
    return new LiveSearch(
      this.host,
      () => this.runId,
      (index) => this.showEntry(index),
    );
  }
}

/** How a call stands, behind its name: nothing when all is well. */
function callMark(call: LiveEntry['call'], isRunning: boolean): TemplateResult | typeof nothing {
  if (call === 'failed') return mark('bad', l10n.t('Failed'));
  return call === 'open' && isRunning ? mark('running', l10n.t('Running')) : nothing;
}

function block(
  label: string,
  { text, isCut }: { readonly text: string; readonly isCut: boolean },
): TemplateResult {
  return html`<pre tabindex="0" aria-label=${label}>${text}</pre>
    ${isCut ? note(l10n.t('Only the beginning is shown; the whole is in the run’s folder.')) : nothing}`;
}
