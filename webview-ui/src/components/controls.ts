import { html, nothing, type TemplateResult } from 'lit/html.js';

type Content = TemplateResult | typeof nothing | string;

export function button(options: {
  readonly label: string;
  readonly icon?: string;
  readonly look?: 'primary' | 'secondary';
  readonly disabled?: boolean;
  readonly onClick: () => void;
}): TemplateResult {
  const { label, icon: name, look = 'secondary', disabled = false, onClick } = options;
  return html`<vscode-button appearance=${look} ?disabled=${disabled} @click=${onClick}>
    ${label}${name === undefined ? nothing : html`<span slot="start" class="codicon codicon-${name}" aria-hidden="true"></span>`}
  </vscode-button>`;
}

/** A button of nothing but an icon; the label is for those who do not see it. */
export function iconButton(options: {
  readonly label: string;
  readonly icon: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}): TemplateResult {
  const { label, icon: name, disabled = false, onClick } = options;
  return html`<vscode-button
    appearance="icon"
    aria-label=${label}
    title=${label}
    ?disabled=${disabled}
    @click=${onClick}
    ><span class="codicon codicon-${name}" aria-hidden="true"></span
  ></vscode-button>`;
}

/** The label is for screen readers; the placeholder says the same to the eye. The toolkit takes no aria-label of ours. */
export function textField(options: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onInput: (value: string) => void;
  readonly onKey?: (event: KeyboardEvent) => void;
}): TemplateResult {
  const { label, value, placeholder = '', onInput, onKey } = options;
  return html`<vscode-text-field
    placeholder=${placeholder}
    .value=${value}
    @input=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
    @keydown=${onKey ?? nothing}
    >${label}</vscode-text-field
  >`;
}

/** One of several, by value. */
export function dropdown(options: {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}): TemplateResult {
  const { label, value, choices, onChange } = options;
  return html`<label class="choice"
    ><span>${label}</span>
    <vscode-dropdown
      aria-label=${label}
      @change=${(event: Event) => {
        // The tabs around it have a change event of their own.
        event.stopPropagation();
        onChange((event.target as HTMLSelectElement).value);
      }}
    >
      ${choices.map(
        (choice) =>
          html`<vscode-option value=${choice.value} ?selected=${choice.value === value}
            >${choice.label}</vscode-option
          >`,
      )}
    </vscode-dropdown></label
  >`;
}

/** Tabs with one panel each; only the active one is drawn. */
export function tabs<Id extends string>(options: {
  readonly label: string;
  readonly active: Id;
  readonly tabs: readonly { readonly id: Id; readonly label: string }[];
  readonly onChange: (id: Id) => void;
  readonly content: (id: Id) => Content;
}): TemplateResult {
  const { label, active, tabs: all, onChange, content } = options;
  return html`<vscode-panels
    aria-label=${label}
    activeid="tab-${active}"
    @change=${(event: Event) => {
      if (event.target !== event.currentTarget) return;
      // The attribute follows later.
      const { activeid } = event.currentTarget as Element & { readonly activeid: string };
      const chosen = all.find(({ id }) => `tab-${id}` === activeid);
      if (chosen !== undefined) onChange(chosen.id);
    }}
  >
    ${all.map((tab) => html`<vscode-panel-tab id="tab-${tab.id}">${tab.label}</vscode-panel-tab>`)}
    ${all.map(
      (tab) =>
        html`<vscode-panel-view id="view-${tab.id}"
          >${tab.id === active ? content(tab.id) : nothing}</vscode-panel-view
        >`,
    )}
  </vscode-panels>`;
}

export const loading = (label: string): TemplateResult =>
  html`<div class="loading">
    <vscode-progress-ring aria-hidden="true"></vscode-progress-ring><span role="status">${label}</span>
  </div>`;
