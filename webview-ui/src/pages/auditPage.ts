import { html, nothing, type TemplateResult } from 'lit/html.js';
import {
  longestRange,
  type AnswerTo,
  type AuditRowView,
  type Change,
} from '../../../src/engine/protocol/inspector.ts';
import { button, dropdown, loading, textField } from '../components/controls.ts';
import { note, problem } from '../components/text.ts';
import { mark } from '../components/icon.ts';
import { dateTime, whole } from '../format.ts';
import { messageOf, type PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

type Verification = AnswerTo<'verify'> | 'asked' | { readonly type: 'failed'; readonly message: string };

/** Everything that happened to the task, with who and why, and whether the record is whole. */
export class AuditPage {
  private readonly host: PageHost;
  private rows: readonly AuditRowView[] | null = null;
  private isReading = false;
  private failure: string | null = null;
  private verification: Verification | null = null;

  constructor(host: PageHost) {
    this.host = host;
  }

  render(): TemplateResult {
    if (this.rows === null && this.failure === null) this.read();
    const rows = this.rows ?? [];
    const { auditWords = '', auditActor = '' } = this.host.place;
    const shown = rows.filter((row) => isWanted(row, auditWords, auditActor));
    return html`<section aria-label=${l10n.t('Audit trail')}>
      <div class="toolbar">
        ${textField({
          label: l10n.t('Filter by event, cause or data'),
          placeholder: l10n.t('Filter'),
          value: auditWords,
          onInput: (value) => this.host.goTo({ auditWords: value }),
        })}
        ${dropdown({
          label: l10n.t('Actor'),
          value: auditActor,
          choices: [
            { value: '', label: l10n.t('anyone') },
            { value: 'person', label: l10n.t('person') },
            { value: 'engine', label: l10n.t('engine') },
          ],
          onChange: (value) => this.host.goTo({ auditActor: value }),
        })}
        <span class="count" role="status"
          >${l10n.t('{0} of {1} rows', whole(shown.length), whole(rows.length))}</span
        >
        ${button({ label: l10n.t('Verify'), icon: 'verified', onClick: () => this.verify() })}
        ${this.verified()}
      </div>
      ${this.failure === null ? nothing : problem(this.failure)}
      ${this.rows === null && this.failure === null ? loading(l10n.t('Reading the audit trail…')) : this.table(shown)}
    </section>`;
  }

  onChange(change: Change): void {
    if (change.type !== 'audit' || this.rows === null) return;
    this.rows = merged(this.rows, change.rows);
    // New rows are not what was verified.
    this.verification = null;
  }

  /** The page missed something: rows are read anew. */
  restart(): void {
    this.rows = null;
    this.failure = null;
  }

  private table(rows: readonly AuditRowView[]): TemplateResult {
    if (rows.length === 0) return note(l10n.t('No row fits the filter.'));
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Audit rows')}>
      <table class="audit">
        <thead>
          <tr>
            <th scope="col">${l10n.t('Row')}</th>
            <th scope="col">${l10n.t('Time')}</th>
            <th scope="col">${l10n.t('Event')}</th>
            <th scope="col">${l10n.t('Actor')}</th>
            <th scope="col">${l10n.t('Cause')}</th>
            <th scope="col">${l10n.t('Data')}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ seq, at, type, actor, cause, data, hash }) =>
              html`<tr>
                <td class="number">${seq}</td>
                <td class="short">${dateTime(at)}</td>
                <th scope="row">${type}</th>
                <td class="short">
                  <span
                    class="codicon codicon-${actor === 'person' ? 'person' : 'gear'}"
                    aria-hidden="true"
                  ></span>
                  ${actor === 'person' ? l10n.t('person') : l10n.t('engine')}
                </td>
                <td class="short">${cause}</td>
                <td>
                  <details>
                    <summary>${hash.slice(0, 12)}</summary>
                    <pre tabindex="0" aria-label=${l10n.t('Data of row {0}', seq)}>${data}</pre>
                    <p class="note">SHA-256 ${hash}</p>
                  </details>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private verified(): TemplateResult | typeof nothing {
    const { verification } = this;
    if (verification === null) return nothing;
    if (verification === 'asked') return loading(l10n.t('Verifying…'));
    if (verification.type === 'failed') return problem(verification.message);
    const { ok, rows, firstBadRow } = verification;
    return html`<span role="status"
      >${
        ok
          ? mark('good', l10n.t('Verified: all {0} rows of the storage are whole', whole(rows)))
          : mark('bad', l10n.t('Row {0} of {1} was changed', String(firstBadRow), whole(rows)))
      }</span
    >`;
  }

  private read(): void {
    if (this.isReading) return;
    this.isReading = true;
    this.readAll()
      .catch((error: unknown) => {
        this.failure = messageOf(error);
      })
      .finally(() => {
        this.isReading = false;
        this.host.update();
      });
  }

  private async readAll(): Promise<void> {
    for (let isLast = false; !isLast;) {
      const after = this.rows?.at(-1)?.seq ?? 0;
      const page = await this.host.channel.ask({ type: 'audit', after, limit: longestRange });
      this.rows = merged(this.rows ?? [], page.rows);
      isLast = page.isLast;
    }
  }

  private verify(): void {
    this.verification = 'asked';
    void this.host.channel
      .ask({ type: 'verify' })
      .catch((error: unknown) => ({ type: 'failed', message: messageOf(error) }) as const)
      .then((verification) => {
        this.verification = verification;
        this.host.update();
      });
    this.host.update();
  }
}

/** `whose`: '' = anyone's. */
function isWanted({ type, actor, cause, data }: AuditRowView, text: string, whose: string): boolean {
  if (whose !== '' && actor !== whose) return false;
  const words = text.trim().toLowerCase();
  return words === '' || [type, cause, data].some((each) => each.toLowerCase().includes(words));
}

/** Each row once, in order: a row may come with an answer and with a delta. */
function merged(rows: readonly AuditRowView[], more: readonly AuditRowView[]): readonly AuditRowView[] {
  const last = rows.at(-1)?.seq ?? 0;
  if (more.every(({ seq }) => seq > last)) return [...rows, ...more];
  const all = new Map([...rows, ...more].map((row) => [row.seq, row]));
  return [...all.values()].toSorted((a, b) => a.seq - b.seq);
}
