import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { launchBrowser } from '../../../../scripts/vscode/browser.ts';
import { readers } from '../../../../src/engine/inspection/readers.ts';
import { BoardHost } from '../../../../src/engine/server/board/boardHost.ts';
import { seriousViolations } from '../../../support/axe.ts';
import { BoardFeed, busyDay } from '../../../support/boardFeed.ts';
import { BoardServer } from '../../../support/boardServer.ts';
import { temporaryDirectory } from '../../../support/storeFixtures.ts';
import { requireChromium } from '../../../support/suites.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';
import { cliOutput, inspectedSession } from '../../../support/webviewSession.ts';

const pictures = process.env['WEBVIEW_PICTURES'];
const wide = { width: 1280, height: 900 };
const phone = { width: 360, height: 740 };

let browser: Browser;
let home: string;

interface Opened {
  readonly page: Page;
  readonly feed: BoardFeed;
  readonly server: BoardServer;
  /** What the page complained about: refused by the policy, thrown, or failed to load. */
  readonly complaints: string[];
}

async function openBoard(
  feed: BoardFeed,
  options: BrowserContextOptions & { readonly token?: 'move-token' | 'read-token' | null } = {},
): Promise<Opened> {
  const { token = 'move-token', ...context } = options;
  const server = await BoardServer.open(feed);
  const page = await browser.newPage({
    viewport: wide,
    colorScheme: 'dark',
    reducedMotion: 'reduce',
    ...context,
  });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.setDefaultTimeout(10_000);
  onTestFinished(async () => {
    await page.close();
    await server.close();
    expect(server.reported).toEqual([]);
  });
  await page.goto(server.address(token));
  return { page, feed, server, complaints };
}

const picture = async (page: Page, name: string): Promise<void> => {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
};

describe.skipIf((await requireChromium()).skip)('the board in Chromium', () => {
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'orch-'));
    browser = await launchBrowser(home);
  });
  afterAll(async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  });

  test.each([
    ['light', 'wide', wide],
    ['light', 'phone', phone],
    ['dark', 'wide', wide],
    ['dark', 'phone', phone],
  ] as const)(
    'is accessible in %s on a %s screen, with everything that opens on it',
    async (colorScheme, name, viewport) => {
      const session = inspectedSession(await temporaryDirectory());
      const feed = new BoardFeed(busyDay(), session);
      feed.lease(8081, session.task);
      const { page, complaints } = await openBoard(feed, { colorScheme, viewport });
      await page.getByRole('button', { name: 'Sort imports', exact: true }).waitFor();
      const isWider = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
      expect(isWider).toBe(false);
      expect(await seriousViolations(page.mainFrame())).toEqual([]);
      await picture(page, `board-${colorScheme}-${name}`);
      await page.getByRole('button', { name: 'Accept and Merge: Show the size of a bundle' }).click();
      await page.getByRole('dialog').waitFor();
      expect(await seriousViolations(page.mainFrame())).toEqual([]);
      await picture(page, `board-accept-${colorScheme}-${name}`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Add title case to tiny text', exact: true }).click();
      await page.getByText('How each criterion was met').waitFor();
      expect(await seriousViolations(page.mainFrame())).toEqual([]);
      await picture(page, `board-task-${colorScheme}-${name}`);
      expect(complaints).toEqual([]);
    },
  );

  test('takes the token out of the address, keeps it over a reload, and asks for another when it is not known', async () => {
    const { page, server } = await openBoard(new BoardFeed(busyDay()));
    await card(page, 'Sort imports').waitFor();
    expect(page.url()).toBe(server.address(null));
    await page.reload();
    await card(page, 'Sort imports').waitFor();

    // As after a restart of the server.
    server.refusal = 401;
    server.cut();
    await page.getByText('The server does not know this token').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('move-token');
    expect(await seriousViolations(page.mainFrame())).toEqual([]);
    server.refusal = null;
    await page.getByLabel('Token').fill('read-token');
    await page.keyboard.press('Enter');
    await page.getByText('Read only').waitFor();
    await card(page, 'Sort imports').waitFor();
  });

  test('asks for a token when it is opened without one', async () => {
    const { page, server } = await openBoard(new BoardFeed(busyDay()), { token: null });
    await page.getByText('needs the token').waitFor();
    expect(server.connections).toBe(0);
  });

  test('shows what changes as it happens, and says it to those who do not see it', async () => {
    const feed = new BoardFeed(busyDay());
    const { page } = await openBoard(feed);
    await column(page, 'Queued').getByText('Sort imports').waitFor();
    feed.commit(taskIn('gate', 3, { title: 'Sort imports' }));
    await column(page, 'Needs You').getByText('Sort imports').waitFor();
    await page.getByText('Sort imports: from Queued to Needs You.').waitFor({ state: 'attached' });
    expect(await column(page, 'Queued').getByText('Sort imports').count()).toBe(0);
    expect(await page.getByRole('list', { name: 'Needs You, 3 tasks' }).count()).toBe(1);
    expect(await page.title()).toBe('(3) Orchestrator');
    const hostile = taskIn('queued', 90, { title: '<img src=x onerror="document.title=1">' });
    feed.commit(hostile);
    await page.getByText(hostile.title).waitFor();
    expect(await page.locator('.card img').count()).toBe(0);
  });

  test('tells when the connection is lost, comes back by itself, and shows what changed meanwhile', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const feed = new BoardFeed(busyDay(), session);
    const { page, server } = await openBoard(feed);
    await card(page, 'Sort imports').waitFor();
    server.refusal = 503;
    server.cut();
    await page.getByText('this may be out of date').waitFor();
    expect(await page.getByRole('button', { name: 'Moves of Sort imports' }).isDisabled()).toBe(true);
    expect(await seriousViolations(page.mainFrame())).toEqual([]);
    await picture(page, 'board-stale-dark-wide');
    feed.commit(
      taskIn('gate', 3, { title: 'Sort imports' }),
      taskIn('queued', 91, { title: 'Came meanwhile' }),
    );
    server.refusal = null;
    await column(page, 'Needs You').getByText('Sort imports').waitFor();
    await column(page, 'Queued').getByText('Came meanwhile').waitFor();
    await page.getByText('this may be out of date').waitFor({ state: 'hidden' });
    expect(server.connections).toBe(2);
    expect(await page.getByRole('button', { name: 'Moves of Sort imports' }).isDisabled()).toBe(false);
  });

  test('an open task comes back too, where it was, with every line that was written meanwhile', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const feed = new BoardFeed(busyDay(), session);
    const { page, server, complaints } = await openBoard(feed);
    const [running] = session.task.runs.slice(-1);
    const path = join(session.storagePath, 'runs', running?.id ?? '', 'stdout.jsonl');
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, `${cliOutput.says('Before the cut, with sk-secret-value.')}\n`);
    await card(page, session.task.title).click();
    await page.getByRole('tab', { name: 'Live' }).click();
    await page.getByText('Before the cut, with [redacted]').waitFor();
    server.cut();
    await appendFile(path, `${cliOutput.says('After the cut.')}\n`);
    await page.getByText('2 entries').waitFor();
    await page.getByText('After the cut.').waitFor();
    await page.getByText('Before the cut').waitFor();
    expect(server.connections).toBe(2);

    await page.reload();
    await page.getByRole('tab', { name: 'Live', selected: true }).waitFor();
    await page.getByText('After the cut.').waitFor();
    for (const [tab, text] of [
      ['QA', 'No check for the empty text.'],
      ['Audit', 'context.accepted'],
      ['Cost', '$1.26 in 4 runs'],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByText(text).waitFor();
    }
    expect(complaints.filter((text) => !text.includes('503'))).toEqual([]);
  });

  test('makes moves by button, dialog and drag, and tells why one is refused', async () => {
    const feed = new BoardFeed(busyDay());
    const { page } = await openBoard(feed);
    await page.getByRole('button', { name: 'Approve: Let a person name' }).click();
    await vi.waitFor(() => expect(feed.dispatched).toEqual([{ type: 'approve', taskId: idOf(8) }]));

    await page.getByRole('button', { name: 'Moves of Show the size' }).click();
    await page.getByRole('button', { name: 'Send Back with Notes' }).click();
    await page.getByRole('button', { name: 'Send Back', exact: true }).click();
    await page.getByLabel('What should be different?').fill('In kB, please.');
    await page.getByRole('button', { name: 'Send Back', exact: true }).click();
    await vi.waitFor(() =>
      expect(feed.dispatched.at(-1)).toEqual({ type: 'send-back', taskId: idOf(10), note: 'In kB, please.' }),
    );

    await item(page, 'Show the size').dragTo(column(page, 'Done'));
    await page.getByLabel('No merge').check();
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await vi.waitFor(() =>
      expect(feed.dispatched.at(-1)).toEqual({ type: 'accept', taskId: idOf(10), strategy: 'none' }),
    );

    await item(page, 'Retry a download').dragTo(column(page, 'Completed'));
    await vi.waitFor(() => expect(feed.dispatched.at(-1)).toEqual({ type: 'advance', taskId: idOf(9) }));

    await item(page, 'Sort imports').dragTo(column(page, 'QA'));
    await page.getByRole('alert').getByText('“Sort imports” starts by itself').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();

    feed.rejection = { type: 'rejected', code: 'not-now', message: 'Cannot approve: somebody was faster.' };
    await page.getByRole('button', { name: 'Approve: Let a person name' }).click();
    await page.getByRole('alert').getByText('somebody was faster').waitFor();
    expect(feed.dispatched.map(({ type }) => type)).toEqual([
      'approve',
      'send-back',
      'accept',
      'advance',
      'approve',
    ]);
  });

  test('a token for reading shows all and moves nothing', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const { page } = await openBoard(new BoardFeed(busyDay(), session), { token: 'read-token' });
    await page.getByText('Read only').waitFor();
    expect(await page.getByRole('button', { name: /Approve|Moves of|Accept/ }).count()).toBe(0);
    await card(page, session.task.title).click();
    await page.getByText('How each criterion was met').waitFor();
    expect(await page.getByRole('button', { name: /Pause|Cancel/ }).count()).toBe(0);
  });

  test('the keyboard alone goes from card to card, opens one, makes a move, and comes back', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const feed = new BoardFeed(busyDay(), session);
    const { page } = await openBoard(feed);
    await card(page, 'Sort imports').focus();
    const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent.trim()');
    const press = async (key: string, expected: string): Promise<void> => {
      await page.keyboard.press(key);
      await vi.waitFor(async () => expect(await focused()).toContain(expected));
    };
    await press('ArrowDown', 'Cache the list');
    await press('End', 'Say which setting');
    await press('ArrowDown', 'Add a command');
    await press('ArrowRight', 'Move the release notes');
    await press('ArrowRight', 'Check links');
    await press('ArrowDown', 'Add title case to tiny text');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: session.task.title, level: 1 }).waitFor();
    await vi.waitFor(async () => expect(await focused()).toBe('Board'));
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await vi.waitFor(() => expect(feed.dispatched).toEqual([{ type: 'pause', taskId: session.task.id }]));
    await page.keyboard.press('Escape');
    await vi.waitFor(async () => expect(await focused()).toBe('Add title case to tiny text'));

    // A card keeps the focus where it goes.
    feed.commit({ ...session.task, phase: { type: 'completed' }, runs: [] });
    await column(page, 'Completed').getByText('Add title case to tiny text').waitFor();
    await vi.waitFor(async () => expect(await focused()).toBe('Add title case to tiny text'));
    await press('ArrowLeft', 'Let a person name');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Let a person name the branch of a task' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toContain('Moves of');
  });

  test('the browser’s Back leaves a task and not the board', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const { page, server } = await openBoard(new BoardFeed(busyDay(), session));
    await card(page, session.task.title).click();
    await page.getByRole('heading', { name: session.task.title, level: 1 }).waitFor();
    await page.goBack();
    await card(page, session.task.title).waitFor();
    await page.goForward();
    await page.getByRole('heading', { name: session.task.title, level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Back to the board' }).click();
    await card(page, session.task.title).waitFor();
    expect(page.url()).toBe(server.address(null));
  });

  test('10,000 tasks: the page stays small, shows more on demand, and finds any', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      taskIn(index % 2 === 0 ? 'queued' : 'done', 1_000 + index, { title: `Number n${index}` }),
    );
    const feed = new BoardFeed(many);
    const { page } = await openBoard(feed);
    await page.getByRole('list', { name: 'Queued, 5,000 tasks' }).waitFor();
    expect(await page.locator('.card').count()).toBe(100);
    await page.getByRole('button', { name: 'Show more of Queued (4,950)' }).click();
    await page.getByRole('button', { name: 'Show more of Queued (4,750)' }).waitFor();
    expect(await page.locator('.card').count()).toBe(300);
    await page.getByRole('textbox', { name: 'Filter tasks' }).fill('number N7654');
    await column(page, 'Queued').getByText('Number n7654').waitFor();
    await page.getByRole('list', { name: 'Queued, 1 of 5,000 tasks' }).waitFor();
    expect(await page.locator('.card').count()).toBe(1);
    feed.commit(taskIn('gate', 1_000 + 7_654, { title: 'Number n7654' }));
    await column(page, 'Needs You').getByText('Number n7654').waitFor();
  });

  test('in VS Code it speaks through the editor, and leaves to it what only an editor can do', async () => {
    const session = inspectedSession(await temporaryDirectory());
    const feed = new BoardFeed(busyDay(), session);
    const server = await BoardServer.open(feed);
    const page = await browser.newPage({ viewport: wide });
    const extras: string[] = [];
    const host = new BoardHost({
      feed,
      access: 'move',
      readers: () => readers,
      post: (message) => page.evaluate(`postMessage(${JSON.stringify(message)}, '*')`),
      extras: ['show-changes', 'open-app'],
      onExtra: (extra, taskId) => extras.push(`${extra} ${taskId}`),
      onOpenFile: (...place) => extras.push(place.join(' ')),
      report: (error) => {
        throw error;
      },
    });
    onTestFinished(async () => {
      host.dispose();
      await page.close();
      await server.close();
    });
    await page.exposeFunction('toHost', (message: unknown) => host.receive(message));
    await page.addInitScript(`
      globalThis.acquireVsCodeApi = () => ({
        postMessage: (message) => void toHost(message),
        getState: () => null,
        setState: () => {},
      });
    `);
    await page.goto(server.address(null));
    await card(page, session.task.title).click();
    await page.getByRole('button', { name: 'Show Changes' }).click();
    await page.getByRole('tab', { name: 'QA' }).click();
    await page.getByRole('button', { name: 'src/title.js:3' }).click();
    await vi.waitFor(() =>
      expect(extras).toEqual([`show-changes ${session.task.id}`, '/worktrees/title src/title.js 3']),
    );
    expect(server.connections).toBe(0);
  });
});

const column = (page: Page, name: string): Locator =>
  page.getByRole('region', { name: new RegExp(`^${name} `) });
const card = (page: Page, title: string): Locator => page.getByRole('button', { name: title, exact: true });
const item = (page: Page, title: string): Locator => page.getByRole('listitem').filter({ hasText: title });
