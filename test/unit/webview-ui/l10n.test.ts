// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';

/** The page's words as they are with this table in its HTML. */
async function wordsWith(table: string | null) {
  document.body.innerHTML =
    table === null ? '' : `<script type="application/json" id="l10n">${table}</script>`;
  vi.resetModules();
  const { l10n } = await import('../../../webview-ui/src/l10n.ts');
  return l10n;
}

beforeEach(() => {
  document.documentElement.lang = '';
});

test('words come from the table, and what it lacks stays English', async () => {
  const l10n = await wordsWith(
    JSON.stringify({ 'Row {0} of {1} was changed': 'Von {1} Zeilen: Zeile {0} geändert' }),
  );
  expect(l10n.t('Row {0} of {1} was changed', '7', 9)).toBe('Von 9 Zeilen: Zeile 7 geändert');
  expect(l10n.t('{0} entries', 0)).toBe('0 entries');
  expect(l10n.t('constructor')).toBe('constructor');
});

test.each([null, '', '{', '["x"]', '{"Cost":7}'])('a page with %j for a table is English', async (table) => {
  expect((await wordsWith(table)).t('Cost')).toBe('Cost');
});

test('names that are made when the page loads are translated too, and numbers are written as there', async () => {
  await wordsWith(JSON.stringify({ Queued: 'Wartet' }));
  document.documentElement.lang = 'de';
  const { phaseNames, whole } = await import('../../../webview-ui/src/format.ts');
  expect(phaseNames.queued).toBe('Wartet');
  expect(whole(100_000)).toBe('100.000');
});
