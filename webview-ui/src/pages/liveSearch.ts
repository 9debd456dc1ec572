import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { RunView } from '../../../src/engine/protocol/inspector.ts';
import { iconButton, textField } from '../components/controls.ts';
import { whole } from '../format.ts';
import { messageOf, type PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

type Found =
  | { readonly type: 'nothing-asked' }
  | { readonly type: 'asked' }
  | { readonly type: 'found'; readonly matches: readonly number[]; readonly isCut: boolean }
  | { readonly type: 'failed'; readonly message: string };

/** Text search over all of a run's output; the host reads it, the page goes from match to match. */
export class LiveSearch {
  private readonly host: PageHost;
  private readonly runId: () => RunView['id'] | null;
  private readonly show: (index: number) => void;
  private searched = '';
  private found: Found = { type: 'nothing-asked' };
  private current = 0;

  constructor(host: PageHost, runId: () => RunView['id'] | null, show: (index: number) => void) {
    this.host = host;
    this.runId = runId;
    this.show = show;
  }

  render(): TemplateResult {
    const matches = this.found.type === 'found' ? this.found.matches : [];
    return html`<div class="search" role="search">
      ${textField({
        label: l10n.t('Search in the output'),
        placeholder: l10n.t('Search, then Enter'),
        value: this.words,
        onInput: (value) => this.host.goTo({ search: value.slice(0, 200) }),
        onKey: (event) => this.onKey(event),
      })}
      <span role="status">${this.standing()}</span>
      ${
        matches.length < 2
          ? nothing
          : html`${iconButton({ label: l10n.t('Previous match'), icon: 'arrow-up', onClick: () => this.step(-1) })}
            ${iconButton({ label: l10n.t('Next match'), icon: 'arrow-down', onClick: () => this.step(1) })}`
      }
    </div>`;
  }

  private get words(): string {
    return this.host.place.search ?? '';
  }

  /** The text with what was searched for marked. */
  marked(text: string): string | TemplateResult {
    const { searched } = this;
    if (searched === '') return text;
    const parts: (string | TemplateResult)[] = [];
    const lower = text.toLowerCase();
    let from = 0;
    // A letter whose lower case is longer would shift the places: then nothing is marked.
    if (lower.length !== text.length) return text;
    for (let at = lower.indexOf(searched); at !== -1; at = lower.indexOf(searched, from)) {
      parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + searched.length)}</mark>`);
      from = at + searched.length;
    }
    return html`${parts}${text.slice(from)}`;
  }

  private standing(): string {
    switch (this.found.type) {
      case 'nothing-asked':
        return '';
      case 'asked':
        return l10n.t('Searching…');
      case 'failed':
        return this.found.message;
      case 'found': {
        const { matches, isCut } = this.found;
        if (matches.length === 0) return l10n.t('No match');
        const [at, of] = [whole(this.current + 1), whole(matches.length)];
        return isCut ? l10n.t('{0} of {1} and more', at, of) : l10n.t('{0} of {1}', at, of);
      }
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      this.searched = '';
      this.found = { type: 'nothing-asked' };
      this.host.goTo({ search: '' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (this.words.toLowerCase() === this.searched && this.found.type === 'found')
        this.step(event.shiftKey ? -1 : 1);
      else this.start();
    }
  }

  private start(): void {
    const runId = this.runId();
    this.searched = this.words.toLowerCase();
    if (this.searched === '' || runId === null) return;
    const { searched } = this;
    this.found = { type: 'asked' };
    void this.host.channel
      .ask({ type: 'live-search', runId, text: this.words })
      .then(({ matches, isCut }): Found => ({ type: 'found', matches, isCut }))
      .catch((error: unknown): Found => ({ type: 'failed', message: messageOf(error) }))
      .then((found) => {
        if (this.searched !== searched) return;
        this.found = found;
        this.current = 0;
        const first = found.type === 'found' ? found.matches[0] : undefined;
        if (first === undefined) this.host.update();
        else this.show(first);
      });
    this.host.update();
  }

  private step(by: number): void {
    if (this.found.type !== 'found' || this.found.matches.length === 0) return;
    const { matches } = this.found;
    this.current = (this.current + by + matches.length) % matches.length;
    const index = matches[this.current];
    if (index !== undefined) this.show(index);
  }
}
