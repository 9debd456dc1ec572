import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { exitCodes } from '../../src/engine/host/exitCodes.ts';
import { seriousViolations } from '../support/axe.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene } from '../support/scene.ts';
import { requireChromium } from '../support/suites.ts';

/** UPDATE_SCREENSHOTS=1 makes the pictures of the documents anew. */
const updatesScreenshots = process.env['UPDATE_SCREENSHOTS'] === '1';
const pictures = resolve(import.meta.dirname, '../../media/screenshots');

const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } } as const;

/** The page as it looks in both themes on both screens, each without what keeps people out. */
async function lookAt(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await seriousViolations(page.mainFrame())).toEqual([]);
      if (updatesScreenshots)
        await page.screenshot({ path: join(pictures, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.setViewportSize(sizes.wide);
}

const column = (page: Page, name: string): Locator =>
  page.getByRole('region', { name: new RegExp(`^${name} `) });

async function cancel(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: `Moves of ${title}` }).click();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('button', { name: 'Cancel Task' }).click();
  await column(page, 'Done').getByText(title).waitFor();
}

describe.skipIf((await requireChromium()).skip)('the board of a served storage', () => {
  test('follows tasks through their stages, and approves, cancels and accepts them', async () => {
    const held = new Barrier();
    const counted = new Barrier();
    const scene = await Scene.make('process', [
      sampleScript('Slug it', 'right-at-once'),
      sampleScript('Add title case', 'right-at-once', ({ stage }) =>
        stage === 'implementation' ? held.pass() : null,
      ),
      sampleScript('Count words', 'right-at-once', () => counted.pass()),
      sampleScript('Trim the ends of lines', 'right-at-once', () => counted.pass()),
    ]);
    await scene.done(scene.task('add', 'Slug it', '--gate', 'specification', '--priority', '5'), 0);
    await scene.done(scene.task('add', 'Add title case', '--priority', '3'), 0);
    await scene.done(scene.task('add', 'Count words', '--priority', '2'), 0);
    await scene.done(scene.task('add', 'Trim the ends of lines'), 0);
    const host = scene.host('serve');
    const { url, token } = await host.until(({ type }) => type === 'listening');

    const home = await mkdtemp(join(tmpdir(), 'orch-'));
    const browser = await launchBrowser(home);
    onTestFinished(async () => {
      held.open();
      counted.open();
      await browser.close();
      await rm(home, { recursive: true, force: true });
    });
    const page = await browser.newPage({ viewport: sizes.wide });
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${String(url)}/#token=${String(token)}`);

    await column(page, 'Needs You').getByRole('button', { name: 'Approve: Slug it' }).waitFor();
    await held.reached;
    await counted.reached;
    await column(page, 'Implementation').getByText('Running').waitFor();
    await lookAt(page, 'board');
    await cancel(page, 'Trim the ends of lines');
    await page.getByRole('button', { name: 'Approve: Slug it' }).click();
    await column(page, 'Queued').getByText('Slug it').waitFor();
    await cancel(page, 'Count words');

    await column(page, 'Completed').getByText('Slug it').waitFor();
    await page.getByRole('button', { name: 'Slug it', exact: true }).click();
    await page.getByRole('tab', { name: 'QA' }).click();
    await page.getByText('3 of 3 met').waitFor();
    await lookAt(page, 'board-task');
    await page.getByRole('tab', { name: 'Live' }).click();
    await page.getByText('I judge the code itself, not the summary.').first().waitFor();
    await page.keyboard.press('Escape');

    await page.getByRole('button', { name: 'Accept and Merge: Slug it' }).click();
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await column(page, 'Done').getByText('Slug it').waitFor();
    expect((await scene.git('log', '--format=%s', 'main')).split('\n')[0]).toBe('Slug it');
    // Runs outlive the host: none is left behind.
    await cancel(page, 'Add title case');
    expect(complaints).toEqual([]);

    host.child.kill('SIGINT');
    await scene.done(host, exitCodes.interrupted);
    await page.getByText('this may be out of date').waitFor();
  });
});
