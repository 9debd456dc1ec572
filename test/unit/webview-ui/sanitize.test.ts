import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser } from '../../../scripts/vscode/browser.ts';
import { requireChromium } from '../../support/suites.ts';

// In a real browser: what a text comes to is decided by the parser that will draw it, and no other DOM parses alike.

let home: string;
let browser: Browser;
let page: Page;

/** What the text comes to: each element's tag and attributes, and the text that is read. */
interface Rendered {
  readonly elements: readonly {
    readonly tag: string;
    readonly attributes: Readonly<Record<string, string>>;
  }[];
  readonly text: string;
}

function render(markdown: string): Promise<Rendered> {
  return page.evaluate<Rendered>(`(() => {
    const holder = document.createElement('div');
    holder.innerHTML = sanitize.renderMarkdown(${JSON.stringify(markdown)});
    document.body.replaceChildren(holder);
    return {
      elements: [...holder.querySelectorAll('*')].map((element) => ({
        tag: element.tagName.toLowerCase(),
        attributes: Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])),
      })),
      text: holder.textContent,
    };
  })()`);
}

const harmless =
  /^(h[3-6]|p|br|hr|blockquote|pre|code|em|strong|del|ul|ol|li|table|thead|tbody|tr|th|td|a|span)$/;

describe.skipIf((await requireChromium()).skip)('rendered Markdown', () => {
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'orch-'));
    browser = await launchBrowser(home);
    const { outputFiles } = await build({
      entryPoints: [resolve(import.meta.dirname, '../../../webview-ui/src/sanitize.ts')],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'sanitize',
    });
    page = await browser.newPage();
    await page.evaluate(`${outputFiles[0]?.text ?? ''}; globalThis.sanitize = sanitize`);
  });
  afterAll(async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  });

  test.each([
    '<script>taken = 1</script>',
    '<img src=x onerror="taken = 1">',
    '<svg onload="taken = 1"><script>taken = 1</script></svg>',
    '<iframe srcdoc="<script>parent.taken = 1</script>"></iframe>',
    '<a href="javascript:taken=1">x</a>',
    '[x](javascript:taken=1)',
    '[x](JaVaScRiPt:taken=1)',
    '[x](java&#x0A;script:taken=1)',
    '[x](data:text/html,<script>alert(1)</script>)',
    '[x](vscode://publisher.extension/run)',
    '[x](command:workbench.action.quit)',
    '[x](file:///etc/passwd)',
    '[x](//example.org/no-scheme)',
    '<https://example.org" onclick="taken=1>',
    '![x](https://example.org/pixel.png "t")',
    '![x" onerror="taken=1](x)',
    '<form action="https://example.org"><input name=x></form>',
    '<style>* { display: none }</style><link rel=stylesheet href=//example.org>',
    '<div style="position:fixed;inset:0">over everything</div>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=taken=1&gt;">',
    '```js" onclick="taken=1\ncode\n```',
    '- [ ] <input autofocus onfocus="taken=1">',
    '<base href="https://example.org"><meta http-equiv=refresh content="0;url=https://example.org">',
  ])('%j comes to text and harmless elements', async (markdown) => {
    const { elements } = await render(markdown);
    for (const { tag, attributes } of elements) {
      expect(tag).toMatch(harmless);
      for (const [name, value] of Object.entries(attributes)) {
        expect(['href', 'title', 'start', 'tabindex']).toContain(name);
        if (name === 'href') expect(value).toMatch(/^(https?|mailto):/);
      }
    }
    expect(await page.evaluate('typeof taken')).toBe('undefined');
  });

  test('what an agent writes about HTML can be read', async () => {
    expect((await render('Use <script src="x"> here')).text).toContain('<script src="x">');
  });

  test('headings stand below those of the page, and code can be reached with the keyboard', async () => {
    const { elements } = await render('# One\n\n###### Six\n\n```\ncode\n```');
    expect(elements.map(({ tag }) => tag)).toEqual(['h3', 'h6', 'pre', 'code']);
    expect(elements[2]?.attributes).toEqual({ tabindex: '0' });
  });

  test('tables, lists, task lists and links stay', async () => {
    const { elements, text } = await render(
      '| a | b |\n| - | - |\n| 1 | 2 |\n\n3. x\n\n- [x] done\n\n[w](https://example.org)',
    );
    expect(elements.filter(({ tag }) => tag === 'td')).toHaveLength(2);
    expect(elements.find(({ tag }) => tag === 'ol')?.attributes).toEqual({ start: '3' });
    expect(text).toContain('☑ done');
    expect(elements.at(-1)).toEqual({ tag: 'a', attributes: { href: 'https://example.org' } });
  });

  test('of a huge text only the beginning is formatted', async () => {
    const { text } = await render(`${'ab '.repeat(100_000)}the end`);
    expect(text.length).toBeLessThanOrEqual(200_001);
    expect(text).not.toContain('the end');
  });

  test.each([
    ['brackets', '['.repeat(20_000)],
    ['quotes within quotes', '> '.repeat(50_000)],
    ['emphasis', '*a'.repeat(20_000)],
    [
      'lists within lists',
      Array.from({ length: 400 }, (_, depth) => `${' '.repeat(2 * depth)}- x`).join('\n'),
    ],
  ])('a text made to be slow or deep is still rendered: %s', async (_name, markdown) => {
    expect((await render(markdown)).text.length).toBeGreaterThan(0);
  });
});
