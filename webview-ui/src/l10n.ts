import * as v from 'valibot';

/** The block of the page's HTML with the words of the person's language; none for English. */
const tableId = 'l10n';

const tableSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

let table: Readonly<Record<string, string>> | undefined;

/** What `vscode.l10n` is to the extension: `npm run l10n` finds the words of both. */
export const l10n = {
  /** `{0}` and so on stand for the further arguments. */
  t(message: string, ...values: readonly (string | number)[]): string {
    table ??= readTable();
    const words = Object.hasOwn(table, message) ? (table[message] ?? message) : message;
    return words.replaceAll(/\{(\d+)\}/g, (place, at: string) => String(values[Number(at)] ?? place));
  },
};

/** BCP 47 tag of the language that the page is in. */
export function language(): string {
  const { lang } = globalThis.document?.documentElement ?? { lang: '' };
  return lang === '' ? 'en' : lang;
}

function readTable(): Readonly<Record<string, string>> {
  const parsed = v.safeParse(tableSchema, globalThis.document?.getElementById(tableId)?.textContent);
  return parsed.success ? parsed.output : {};
}
