import { html, nothing, type TemplateResult } from 'lit/html.js';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import { longestRendered, renderMarkdown } from '../sanitize.ts';
import { whole } from '../format.ts';
import { l10n } from '../l10n.ts';

let last: { readonly source: string; readonly html: string } | undefined;

/** Markdown of a model's or repository's making. */
export function markdown(source: string): TemplateResult {
  // The page is drawn again each second while a task runs; the text stays the same.
  if (last?.source !== source) last = { source, html: renderMarkdown(source) };
  return html`<div class="markdown">${unsafeHTML(last.html)}</div>
    ${
      source.length > longestRendered
        ? html`<p class="note">
              ${l10n.t('The first {0} of {1} characters are formatted. The rest, as it is:', whole(longestRendered), whole(source.length))}
            </p>
            <pre class="plain" tabindex="0" aria-label=${l10n.t('Rest of the text')}>
${source.slice(longestRendered)}</pre>`
        : nothing
    }`;
}
