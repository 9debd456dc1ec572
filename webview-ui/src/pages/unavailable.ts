import { html, nothing, type TemplateResult } from 'lit/html.js';
import { l10n } from '../l10n.ts';

/** Why there is nothing to show, and what to do. */
export function unavailable(reason: {
  readonly message: string;
  readonly remedy: string | null;
}): TemplateResult {
  return html`<main class="unavailable">
    <h1>${l10n.t('Nothing to show')}</h1>
    <p role="alert">${reason.message}</p>
    ${reason.remedy === null ? nothing : html`<p>${reason.remedy}</p>`}
  </main>`;
}
