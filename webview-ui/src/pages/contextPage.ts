import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { AnswerTo, BundleHead, InspectorView } from '../../../src/engine/protocol/inspector.ts';
import { dropdown, iconButton, loading } from '../components/controls.ts';
import { note, problem } from '../components/text.ts';
import { mark } from '../components/icon.ts';
import { markdown } from '../components/markdown.ts';
import { dateTime, runName, shortDigest, stageNames, whole } from '../format.ts';
import { sideBySide, type DiffRow } from '../textDiff.ts';
import { messageOf, type PageHost } from './pageHost.ts';
import { l10n } from '../l10n.ts';

/** Bundles that the page keeps; others are asked for again. */
const mostKept = 6;

type Bundle = AnswerTo<'bundle'> | { readonly type: 'failed'; readonly message: string };

/** The contexts of the task: each version rendered, what used it, and two versions side by side. */
export class ContextPage {
  private readonly host: PageHost;
  private readonly kept = new Map<string, Bundle | 'asked'>();
  private compares: { readonly key: string; readonly rows: readonly DiffRow[] | null } | null = null;

  constructor(host: PageHost) {
    this.host = host;
  }

  render(view: InspectorView): TemplateResult {
    const heads = view.bundles;
    if (heads.length === 0)
      return note(l10n.t('No context yet: the request appears here as soon as the task is created.'));
    const { context, compared } = this.host.place;
    const head =
      heads.find((each) => keyOf(each) === context) ?? newestAccepted(view) ?? heads[heads.length - 1];
    if (head === undefined) return note(l10n.t('No context yet.'));
    const others = heads.filter((each) => each.stage === head.stage && each.version !== head.version);
    const other = others.find((each) => keyOf(each) === compared);
    return html`<section aria-label=${l10n.t('Context')}>
      <div class="toolbar">
        ${dropdown({
          label: l10n.t('Context'),
          value: keyOf(head),
          choices: heads.map((each) => ({ value: keyOf(each), label: labelOf(each, view) })),
          onChange: (key) => this.host.goTo({ context: key, compared: '' }),
        })}
        ${
          others.length === 0
            ? nothing
            : dropdown({
                label: l10n.t('Compare with'),
                value: other === undefined ? '' : keyOf(other),
                choices: [
                  { value: '', label: l10n.t('nothing') },
                  ...others.map((each) => ({
                    value: keyOf(each),
                    label: l10n.t('version {0}', each.version),
                  })),
                ],
                onChange: (key) => this.host.goTo({ compared: key }),
              })
        }
      </div>
      ${this.facts(head, view)} ${other === undefined ? this.content(head) : this.comparison(head, other)}
    </section>`;
  }

  private facts(head: BundleHead, view: InspectorView): TemplateResult {
    const bundle = this.bundle(head);
    const from = view.runs.find(({ id }) => id === head.runId);
    const users = view.runs.filter(({ inputDigests }) => inputDigests.includes(head.digest)).map(runName);
    return html`<dl class="facts">
      <div>
        <dt>SHA-256</dt>
        <dd>
          <code title=${head.digest}>${shortDigest(head.digest)}</code>
          ${iconButton({ label: l10n.t('Copy digest'), icon: 'copy', onClick: () => void navigator.clipboard.writeText(head.digest) })}
        </dd>
      </div>
      <div>
        <dt>${l10n.t('From')}</dt>
        <dd>${from === undefined ? l10n.t('you') : runName(from)}, ${dateTime(head.createdAt)}</dd>
      </div>
      <div>
        <dt>${l10n.t('Used by')}</dt>
        <dd>${users.length === 0 ? l10n.t('no run yet') : users.join(', ')}</dd>
      </div>
      <div>
        <dt>${l10n.t('Stands')}</dt>
        <dd>
          ${view.task.accepted.includes(head.digest) ? mark('good', l10n.t('Accepted')) : mark('open', l10n.t('Not in force'))}
        </dd>
      </div>
      ${
        bundle === 'asked' || bundle.type === 'failed'
          ? nothing
          : html`<div>
              <dt>${l10n.t('Stored')}</dt>
              <dd>
                ${l10n.t('{0} bytes', whole(bundle.bytes))},
                ${bundle.isIntact ? mark('good', l10n.t('bytes match the digest')) : mark('bad', l10n.t('bytes do not match the digest'))}
              </dd>
            </div>`
      }
    </dl>`;
  }

  private content(head: BundleHead): TemplateResult {
    const bundle = this.bundle(head);
    if (bundle === 'asked') return loading(l10n.t('Reading the context…'));
    if (bundle.type === 'failed') return problem(bundle.message);
    return html`${bundle.isCut ? note(l10n.t('This context is longer than what is shown here.')) : nothing}
    ${markdown(bundle.markdown)}`;
  }

  private comparison(one: BundleHead, other: BundleHead): TemplateResult {
    const [before, after] = one.version < other.version ? [one, other] : [other, one];
    const [left, right] = [this.bundle(before), this.bundle(after)];
    if (left === 'asked' || right === 'asked') return loading(l10n.t('Reading both versions…'));
    if (left.type === 'failed') return problem(left.message);
    if (right.type === 'failed') return problem(right.message);
    const key = `${keyOf(before)} ${keyOf(after)}`;
    if (this.compares?.key !== key) this.compares = { key, rows: sideBySide(left.markdown, right.markdown) };
    const { rows } = this.compares;
    if (rows === null) return note(l10n.t('The two versions have too little in common to compare.'));
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Comparison')}>
      <table class="diff">
        <caption class="unseen">
          ${l10n.t('Version {0} and version {1}, line by line', before.version, after.version)}
        </caption>
        <thead>
          <tr>
            <th scope="col">${l10n.t('Version {0}', before.version)}</th>
            <th scope="col">${l10n.t('Version {0}', after.version)}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr class=${row.kind}>
                ${cell(row.left, row.kind === 'same' ? null : 'removed')}${cell(row.right, row.kind === 'same' ? null : 'added')}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private bundle(head: BundleHead): Bundle | 'asked' {
    const known = this.kept.get(head.digest);
    if (known !== undefined) return known;
    this.keep(head.digest, 'asked');
    void this.host.channel
      .ask({ type: 'bundle', digest: head.digest })
      .catch((error: unknown) => ({ type: 'failed', message: messageOf(error) }) as const)
      .then((bundle) => {
        this.keep(head.digest, bundle);
        this.host.update();
      });
    return 'asked';
  }

  private keep(digest: string, bundle: Bundle | 'asked'): void {
    this.kept.set(digest, bundle);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= mostKept) break;
      this.kept.delete(oldest);
    }
  }
}

const keyOf = ({ stage, version }: BundleHead): string => `${stage}-${version}`;

const labelOf = (head: BundleHead, view: InspectorView): string =>
  view.task.accepted.includes(head.digest)
    ? l10n.t('{0}, version {1} (accepted)', stageNames[head.stage], head.version)
    : l10n.t('{0}, version {1}', stageNames[head.stage], head.version);

function newestAccepted({ bundles, task }: InspectorView): BundleHead | undefined {
  return bundles
    .toReversed()
    .find(({ digest, stage }) => stage !== 'request' && task.accepted.includes(digest));
}

const cell = (text: string | null, sign: 'removed' | 'added' | null): TemplateResult =>
  text === null
    ? html`<td class="absent"></td>`
    : html`<td>
        ${
          sign === null
            ? nothing
            : html`<span class="sign" aria-hidden="true">${sign === 'added' ? '+' : '−'}</span
                ><span class="unseen">${sign === 'added' ? l10n.t('added') : l10n.t('removed')}: </span>`
        }<span class="line">${text}</span>
      </td>`;
