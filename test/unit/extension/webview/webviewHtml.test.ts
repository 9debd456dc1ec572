import { expect, test } from 'vitest';
import { webviewHtml } from '../../../../src/extension/webview/webviewHtml.ts';

const html = (title: string, strings: Record<string, string> | null = null): string =>
  webviewHtml({
    name: 'inspector',
    title,
    nonce: 'abc',
    cspSource: 'https://*.vscode-cdn.net',
    language: 'de',
    strings,
    resource: (file) => `https://file/${file}`,
  });

test('the policy allows the script of this loading, own resources, and nothing else', () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html('Task'))?.[1];
  expect(policy?.split('; ')).toEqual([
    `default-src 'none'`,
    `script-src 'nonce-abc'`,
    `style-src https://*.vscode-cdn.net 'unsafe-inline'`,
    `img-src https://*.vscode-cdn.net`,
    `font-src https://*.vscode-cdn.net`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ]);
});

test('a title is text', () => {
  expect(html('</title><script>1</script>')).toContain(
    '<title>&lt;/title&gt;&lt;script&gt;1&lt;/script&gt;</title>',
  );
});

test("the words of the person's language are data that cannot end its element", () => {
  const strings = { Cost: '</script><script>alert(1)</script>', Live: 'Läuft' };
  const page = html('Task', strings);
  const [, table = ''] = /<script type="application\/json" id="l10n">(.*?)<\/script>/.exec(page) ?? [];
  expect(JSON.parse(table)).toEqual(strings);
  expect(page).not.toContain('<script>alert');
  expect(page).toContain('<html lang="de">');
  expect(html('Task')).not.toContain('application/json');
});
