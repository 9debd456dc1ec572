import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { launchBrowser } from '../../../../scripts/vscode/browser.ts';
import type { Run } from '../../../../src/engine/domain/task.ts';
import type { MetricsView } from '../../../../src/engine/protocol/inspectorMetrics.ts';
import { InspectorHost } from '../../../../src/engine/inspection/inspectorHost.ts';
import { readers } from '../../../../src/engine/inspection/readers.ts';
import { temporaryDirectory } from '../../../support/storeFixtures.ts';
import { requireChromium } from '../../../support/suites.ts';
import { WebviewHarness } from '../../../support/webviewHarness.ts';
import { cliOutput, inspectedSession, type WebviewSession } from '../../../support/webviewSession.ts';
import { type ThemeName, themes } from '../../../support/webviewThemes.ts';

const pictures = process.env['WEBVIEW_PICTURES'];

let browser: Browser;
let home: string;

interface Scene {
  readonly session: WebviewSession;
  readonly harness: WebviewHarness;
  readonly acted: string[];
  readonly running: Run;
  /** The page is loaded again, as VS Code does after it was hidden. */
  reload(): Promise<void>;
}

async function openInspector(theme: ThemeName, saved?: object): Promise<Scene> {
  const session = inspectedSession(await temporaryDirectory());
  const running = session.task.runs.at(-1);
  if (running === undefined) throw new Error('no run');
  const acted: string[] = [];
  const shown: { harness?: WebviewHarness } = {};
  const host = new InspectorHost({
    taskId: session.task.id,
    session,
    readers: () => readers,
    post: (message) => shown.harness?.post(message).catch(() => false) ?? Promise.resolve(false),
    act: (action) => acted.push(action),
    open: (...place) => acted.push(place.join(' ')),
    onTitle: () => undefined,
    report: (error) => {
      throw error;
    },
  });
  const waiting: unknown[] = [];
  const opened = await WebviewHarness.open(browser, {
    name: 'inspector',
    taskId: session.task.id,
    theme,
    saved: saved === undefined ? undefined : { taskId: session.task.id, ...saved },
    receive: (message) => {
      if (shown.harness === undefined) waiting.push(message);
      else host.receive(message);
    },
  });
  shown.harness = opened;
  for (const message of waiting) host.receive(message);
  onTestFinished(async () => {
    host.dispose();
    await opened.dispose();
  });
  await opened.page.getByRole('heading', { name: session.task.title, level: 1 }).waitFor();
  return {
    session,
    harness: opened,
    acted,
    running,
    reload: async () => {
      host.pageLeft();
      await opened.page.reload();
      await opened.page.getByRole('heading', { name: session.task.title, level: 1 }).waitFor();
    },
  };
}

async function write({ session, running }: Scene, lines: readonly string[]): Promise<void> {
  const path = join(session.storagePath, 'runs', running.id, 'stdout.jsonl');
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, lines.map((line) => `${line}\n`).join(''));
}

async function expectAccessible({ page }: WebviewHarness): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary).join(' | ')))`,
  );
  expect(violations).toEqual([]);
}

async function picture({ page }: WebviewHarness, name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

const sampleOutput = [
  cliOutput.says('I read the specification first.\n\nThen I look at what is there.'),
  cliOutput.does('1', 'Read', { file_path: '/worktrees/title/src/title.js' }),
  cliOutput.result('1', 'export function titleCase(text) {\n  return text;\n}'),
  cliOutput.does('2', 'Bash', { command: 'npm test' }),
  cliOutput.result('2', 'not ok 2 - empty text\n# fail 1', true),
  JSON.stringify({
    type: 'system',
    subtype: 'permission_denied',
    tool_name: 'WebFetch',
    message: 'not allowed',
  }),
  cliOutput.says('The empty text throws: I report it.'),
];

describe.skipIf((await requireChromium()).skip)('the pages in Chromium', () => {
  beforeAll(async () => {
    home = await temporaryFolder();
    browser = await launchBrowser(home);
  });
  afterAll(async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  });

  test.each(Object.keys(themes) as ThemeName[])(
    'every page of the inspector is accessible in %s',
    async (theme) => {
      const scene = await openInspector(theme);
      const { page } = scene.harness;
      await write(scene, sampleOutput);
      await page.getByText('How each criterion was met').waitFor();
      await page.getByRole('combobox', { name: 'Context' }).click();
      await page.getByRole('option', { name: 'Specification, version 2 (accepted)' }).click();
      await page.getByText('decided').waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `context-${theme}`);
      await page.getByRole('combobox', { name: 'Compare with' }).click();
      await page.getByRole('option', { name: 'version 1' }).click();
      await page.getByRole('columnheader', { name: 'Version 1' }).waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `comparison-${theme}`);
      await page.getByRole('tab', { name: 'Live' }).click();
      await page.getByText('The empty text throws: I report it.').waitFor();
      await page.getByRole('button', { name: 'Bash npm test' }).click();
      await page.getByText('"command": "npm test"').waitFor();
      // The result is part of its call, which says that it failed.
      await page.getByLabel('Failed result').getByText('# fail 1').waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `live-${theme}`);
      await page.getByRole('tab', { name: 'QA' }).click();
      await page.getByText('not ok 2 - empty text').waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `qa-${theme}`);
      await page.getByRole('tab', { name: 'Audit' }).click();
      await page.getByText('context.accepted').waitFor();
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByText('Verified: all 6 rows').waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `audit-${theme}`);
      await page.getByRole('tab', { name: 'Cost' }).click();
      await page.getByText('$1.26 in 4 runs').waitFor();
      await expectAccessible(scene.harness);
      await picture(scene.harness, `cost-${theme}`);
      expect(scene.harness.complaints).toEqual([]);
    },
  );

  test('every page of the metrics is accessible in each theme, and says what utilization counts', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const { records } = await session.engine();
    const view = await readers.measure(records, Date.now());
    for (const theme of Object.keys(themes) as ThemeName[]) {
      const harness = await WebviewHarness.open(browser, {
        name: 'metrics',
        taskId: '',
        theme,
        receive: () => undefined,
      });
      await harness.post({ type: 'metrics', view: withTrend(view) });
      await harness.page.getByText('cannot pass 67 %').waitFor();
      await harness.page.getByText('1 task behind this').first().click();
      await expectAccessible(harness);
      await picture(harness, `metrics-${theme}`);
      expect(harness.complaints).toEqual([]);
      await harness.dispose();
    }
  });

  test('100,000 entries scroll with a bounded page, follow the end, and are searched', async () => {
    const scene = await openInspector('dark', { page: 'live' });
    const { page } = scene.harness;
    const total = 100_000;
    for (let from = 0; from < total; from += 10_000)
      await write(
        scene,
        Array.from({ length: 10_000 }, (_, index) => cliOutput.says(`entry number ${from + index}`)),
      );
    await page.getByText('100,000 entries').waitFor({ timeout: 30_000 });
    await page.getByText('entry number 99999', { exact: true }).waitFor();
    expect(await page.locator('.entry').count()).toBeLessThan(300);

    await write(scene, [cliOutput.says('one more')]);
    await page.getByText('one more', { exact: true }).waitFor();

    await page.locator('.live').focus();
    await page.keyboard.press('Home');
    await page.getByText('entry number 0', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Follow' }).waitFor();
    await write(scene, [cliOutput.says('not in view')]);
    await page.getByText('100,002 entries').waitFor();
    expect(await page.getByText('not in view').count()).toBe(0);

    await page.getByRole('textbox', { name: 'Search in the output' }).fill('NUMBER 54321');
    await page.keyboard.press('Enter');
    await page.getByText('entry number 54321').waitFor();
    expect(await page.locator('mark').allTextContents()).toEqual(['number 54321']);
    expect(await page.locator('.entry').count()).toBeLessThan(300);

    await page.getByRole('button', { name: 'Follow' }).click();
    await page.getByText('not in view').waitFor();
    expect(scene.harness.complaints).toEqual([]);
  });

  test('comes back where it was, with every line, after VS Code unloaded it', async () => {
    const scene = await openInspector('light');
    const { page } = scene.harness;
    await write(scene, sampleOutput);
    await page.getByRole('tab', { name: 'Live' }).click();
    await page.getByText('5 entries').waitFor();
    expect(scene.harness.saved).toEqual({ taskId: scene.session.task.id, page: 'live' });
    await scene.reload();
    await page.getByRole('tab', { name: 'Live', selected: true }).waitFor();
    await page.getByText('5 entries').waitFor();
    await page.getByText('I read the specification first.').waitFor();
    await page.getByText('The empty text throws: I report it.').waitFor();
  });

  test('hostile Markdown runs nothing and loads nothing', async () => {
    const scene = await openInspector('dark');
    const { page } = scene.harness;
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    const hostile =
      '<script>document.title = "taken"</script><img src="https://example.org/x.png" onerror="document.title = `taken`">\n\n[click](javascript:document.title=1)\n\n![pixel](https://example.org/pixel.png)';
    const { session } = scene;
    session.addBundle({ type: 'request', format: 1, title: 'Hostile', description: hostile });
    session.commit(session.task, 'task.sent-back');
    await page.getByRole('combobox', { name: 'Context' }).click();
    await page.getByRole('option', { name: 'Request, version 2' }).click();
    await page.getByText('[image: pixel]').waitFor();
    expect(await page.title()).toBe('Task');
    expect(
      await page.locator('.markdown :is(script, img, iframe, [onerror], [href^="javascript"])').count(),
    ).toBe(0);
    expect(loaded.filter((url) => !url.startsWith('http://127.0.0.1'))).toEqual([]);
  });

  test('the keyboard alone changes pages and makes moves', async () => {
    const scene = await openInspector('dark');
    const { page } = scene.harness;
    await page.getByRole('tab', { name: 'Context' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'src/title.js:3' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await vi.waitFor(() => expect(scene.acted).toEqual(['/worktrees/title src/title.js 3', 'pause']));
  });
});

/** A history long enough to draw. */
function withTrend(view: MetricsView): MetricsView {
  const values = [0.4, 0.7, null, 0.8, 1];
  return {
    ...view,
    measures: view.measures.map((measure) => ({
      ...measure,
      trend: values.map((value, index) => ({
        until: 1_700_000_000_000 + index * 86_400_000,
        value: value !== null && measure.id === 'stage-time' ? value * 2_000_000 : value,
      })),
    })),
  };
}

function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'orch-'));
}
