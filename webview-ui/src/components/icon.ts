import { html, type TemplateResult } from 'lit/html.js';

/** A state as an icon of its own shape beside its word: colour only adds to it. */
export function mark(kind: 'good' | 'bad' | 'warn' | 'running' | 'open', text: string): TemplateResult {
  const icon = { good: 'pass', bad: 'error', warn: 'warning', running: 'loading', open: 'circle-large' }[
    kind
  ];
  const motion = kind === 'running' ? ' turning' : '';
  return html`<span class="mark mark-${kind}"
    ><span class="codicon codicon-${icon}${motion}" aria-hidden="true"></span> ${text}</span
  >`;
}
