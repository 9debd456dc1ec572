import { html, type TemplateResult } from 'lit/html.js';
import { button } from '../components/controls.ts';
import { whole } from '../format.ts';
import type { ConnectionState } from './connection.ts';

/** A banner while what is shown may be out of date. Its words change seldom enough to be read out. */
export function staleBanner(state: ConnectionState, now: number, retry: () => void): TemplateResult {
  if (state.type !== 'lost') return html`<div class="stale-banner" role="status" hidden></div>`;
  const seconds = Math.max(0, Math.ceil((state.retryAt - now) / 1_000));
  return html`<div class="stale-banner" role="status">
    <span class="codicon codicon-debug-disconnect" aria-hidden="true"></span>
    <span
      >No connection since ${new Date(state.since).toLocaleTimeString()}: this may be out of date.<span
        aria-hidden="true"
      >
        ${seconds === 0 ? 'Trying again…' : `Next try in ${whole(seconds)} s.`}</span
      ></span
    >
    ${button({ label: 'Try Now', onClick: retry })}
  </div>`;
}

/** Asks for the token of the server. */
export function tokenForm(why: string, useToken: (token: string) => void): TemplateResult {
  return html`<main class="token">
    <h1>Orchestrator</h1>
    <p role="alert">${why}</p>
    <p>Open the whole address that the server printed, or paste its token here.</p>
    <form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const field = (event.target as HTMLFormElement).querySelector('input');
        const token = field?.value.trim() ?? '';
        if (token !== '') useToken(token);
      }}
    >
      <label class="stacked">Token <input type="password" name="token" autocomplete="off" required /></label>
      <button class="act" type="submit">Connect</button>
    </form>
  </main>`;
}
