import { html, type TemplateResult } from 'lit/html.js';

export const note = (text: string): TemplateResult => html`<p class="note">${text}</p>`;

export const problem = (text: string): TemplateResult =>
  html`<p class="problem" role="alert">
    <span class="codicon codicon-error" aria-hidden="true"></span> ${text}
  </p>`;
