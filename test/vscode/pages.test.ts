import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newestVscode, vscodeReleases, vscodeTestFolder } from '../../scripts/vscode/installations.ts';
import { seriousViolations } from '../support/axe.ts';
import type { Script } from '../support/playedModel.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { smallPng } from '../support/smallPng.ts';
import { requireVscode } from '../support/suites.ts';
import { VscodeScene } from '../support/vscodeScene.ts';
import { Workbench } from '../support/workbench.ts';
import { leaveTraces } from './leaveTraces.ts';

const { skip } = await requireVscode();

/** UPDATE_SCREENSHOTS=1 makes the pictures of the README and of the documents anew, in the newest VS Code. */
const updatesScreenshots = process.env['UPDATE_SCREENSHOTS'] === '1';
const screenshots = resolve(import.meta.dirname, '../../media/screenshots');

/** Picture's name -> the theme's name, which older releases begin with `Default`, and the file it is in. */
const themes = {
  dark: { name: 'Dark Modern', file: 'dark_modern' },
  light: { name: 'Light Modern', file: 'light_modern' },
  'high-contrast': { name: 'Default High Contrast', file: 'hc_black' },
  'high-contrast-light': { name: 'Default High Contrast Light', file: 'hc_light' },
} as const;

type Theme = keyof typeof themes;

const allThemes: readonly Theme[] = ['light', 'high-contrast', 'high-contrast-light', 'dark'];

const reviewed = 'Add a slugify function';
const gated = 'Describe the release process';
/** No script knows it: its agent is refused. */
const refused = 'Translate the README';
const signedIn = 'Slug the dates';

/** As long as a real one, and nowhere else. */
const ownKey = 'sk-ant-of-the-person-not-a-real-key-9876543210';

/** For the pictures only: a task in every stage. */
const merged = 'Capitalize every word';
const underWay = { implementation: 'Count the words of a text', qa: 'Trim trailing spaces' } as const;
const queued = ['Wrap long lines', 'Say what is supported'] as const;

interface Past {
  readonly repository: string;
  readonly storage: string;
}

/** Made once: agents take their time, and what they left looks the same in every release. */
let past: Past | null = null;

/** Cleared at last: the first one has the repository and the worktrees of all. */
const scenes: VscodeScene[] = [];

afterAll(async () => {
  for (const scene of scenes) await scene.clear();
});

describe.skipIf(skip).each(vscodeReleases)('the views of VS Code $version', (release) => {
  let scene: VscodeScene;
  let workbench: Workbench;
  const isNewest = release === newestVscode;
  const takesPictures = updatesScreenshots && isNewest;
  const held = { implementation: new Barrier(), qa: new Barrier() };

  beforeAll(async () => {
    scene = await VscodeScene.make({
      release,
      scripts: [
        sampleScript(reviewed, 'mended-after-qa'),
        sampleScript(gated, 'right-at-once'),
        sampleScript(signedIn, 'right-at-once'),
        ...pictureScripts(),
      ],
      settings: { 'orchestrator.gates': ['specification'] },
      ...(past === null ? {} : { repository: past.repository }),
      // One of the two has what a person installs, so that nothing is forgotten in the package.
      ...(isNewest ? { vsix: await packedExtension() } : {}),
    });
    scenes.push(scene);
    if (past === null) past = await makePast();
    else await copyStorage(past.storage, await scene.storage());
    if (takesPictures)
      for (const title of [...Object.values(underWay), ...queued]) await scene.hostTask('add', title);
    workbench = await Workbench.open(scene);
    await workbench.taskIn('Needs You', refused);
    // What is told of it stays, over the corner of every page.
    await workbench.clearNotifications();
    if (!takesPictures) return;
    await workbench.widenSidebar(120);
    for (const barrier of Object.values(held)) await barrier.reached;
    await workbench.taskIn('Queued', queued[1]);
  });

  /** Tasks of headless hosts, before any window. */
  async function makePast(): Promise<Past> {
    const done = ['--test-command', 'node --check src/text.js'];
    if (takesPictures) {
      await scene.hostTask('run', merged, { options: done });
      const { task_id } = await scene.task(merged);
      await scene.hostEnds(0, 'accept', task_id, '--merge', 'none');
    }
    await scene.hostTask('run', reviewed, { options: done });
    await scene.hostTask('run', gated, { options: ['--gate', 'specification'], exitCode: 2 });
    await scene.hostTask('run', refused, { exitCode: 2 });
    const storage = join(scene.folder, 'past');
    await copyStorage(await scene.storage(), storage);
    return { repository: scene.repository, storage };
  }

  /** Those that are under way stay there. */
  function pictureScripts(): readonly Script[] {
    if (!takesPictures) return [];
    const holds = (stage: keyof typeof held): Script =>
      sampleScript(underWay[stage], 'right-at-once', (turn) =>
        turn.stage === stage && turn.turn === 1 ? held[stage].pass() : null,
      );
    return [sampleScript(merged, 'right-at-once'), holds('implementation'), holds('qa')];
  }

  afterEach(({ task }) => leaveTraces(scene, release, task));

  async function setTheme(theme: Theme): Promise<void> {
    const { name, file } = themes[theme];
    const isOld = !isNewest && !name.startsWith('Default');
    const id = isOld ? `Default ${name}` : name;
    await scene.server.changeSettings({ 'workbench.colorTheme': id });
    await workbench.page.locator(`.monaco-workbench[class*="-themes-${file}-json"]`).waitFor();
    for (const frame of workbench.page.frames()) {
      if (!(await isWebview(frame))) continue;
      await frame
        .locator(`body[data-vscode-theme-id="${id}"]`)
        // Not every one is in sight, and one that is not may be on its way out.
        .waitFor({ state: 'attached' })
        .catch((error: unknown) => {
          if (!frame.isDetached()) throw error;
        });
    }
  }

  /** The picture of what is open, in every theme. */
  async function photograph(name: string): Promise<void> {
    if (!takesPictures) return;
    // Away from what shows a hint when it rests there.
    await workbench.page.mouse.move(900, 795);
    await mkdir(screenshots, { recursive: true });
    const paper = await workbench.page.context().newPage();
    for (const theme of allThemes) {
      await setTheme(theme);
      // Colours of the window's own parts fade, and of a webview's controls follow a frame later: nothing tells when.
      await workbench.page.waitForTimeout(500);
      const png = await workbench.page.screenshot();
      await writeFile(join(screenshots, `${name}-${theme}.png`), await smallPng(paper, png));
    }
    await paper.close();
  }

  /** In both kinds of theme, for most of what axe finds is contrast; high contrast is what VS Code itself sees to. */
  async function expectAccessible(frame: Frame): Promise<void> {
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      expect(await seriousViolations(frame), theme).toEqual([]);
    }
  }

  async function openInspector(): Promise<Frame> {
    if (!(await workbench.tab(reviewed).isVisible())) {
      await workbench.command('Orchestrator: Open Inspector');
      await workbench.answer(reviewed, { until: reviewed });
    }
    return workbench.webview('Ready for review');
  }

  it('show what a headless host did before, and say in the badge and status bar what needs a person', async () => {
    await workbench.taskIn('Completed', reviewed);
    await workbench.taskIn('Needs You', gated);
    await workbench.statusBar.locator('[id*="orchestrator"]', { hasText: '3' }).first().waitFor();
    const badge = workbench.page.locator('.activitybar .action-item', {
      has: workbench.page.locator('a[aria-label^="Orchestrator"]'),
    });
    await badge.locator('.badge-content', { hasText: '3' }).waitFor();
    await photograph('tasks');
    if (!takesPictures) return;
    await workbench.containersHeader.click();
    await workbench.containers.locator('.monaco-list-row').first().waitFor();
    await photograph('containers');
    await workbench.containersHeader.click();
  });

  it('list every command of the palette under one category', async () => {
    await workbench.showInPalette('Orchestrator: ', 'Orchestrator: Accept and Merge');
    await photograph('palette');
    await workbench.page.keyboard.press('Escape');
  });

  it('ask for a new task step by step', async () => {
    await workbench.command('Orchestrator: New Task');
    await workbench.step('What is to be done');
    await workbench.quickInput.locator('.quick-input-filter input').fill('Add a titleCase function');
    await photograph('new-task');
    await workbench.page.keyboard.press('Escape');
    await workbench.quickInput.waitFor({ state: 'hidden' });
  });

  it.each(['Context', 'Live', 'QA', 'Audit', 'Cost'])(
    'have an inspector whose page %s keeps nobody out',
    async (name) => {
      const frame = await openInspector();
      await frame.getByRole('tab', { name, exact: true }).click();
      await frame.getByRole('tab', { name, exact: true, selected: true }).waitFor();
      await frame.locator('.loading').waitFor({ state: 'detached' });
      await photograph(`inspector-${name.toLowerCase()}`);
      await expectAccessible(frame);
    },
  );

  it('are looked at by axe itself: it finds what is put there to be found', async () => {
    const frame = await openInspector();
    await frame.evaluate(`document.body.insertAdjacentHTML('beforeend', '<button id="nameless"></button>')`);
    const found = await seriousViolations(frame);
    await frame.evaluate(`document.getElementById('nameless').remove()`);
    expect(found).toEqual([expect.stringContaining('button-name')]);
  });

  it('have an inspector that says what QA found, and what came of it', async () => {
    const frame = await openInspector();
    await frame.getByRole('tab', { name: 'QA', exact: true }).click();
    await frame.getByText('slugify takes text only').first().waitFor();
  });

  it('have a page of success measures that keeps nobody out', async () => {
    await workbench.command('Orchestrator: Show Success Metrics');
    const frame = await workbench.webview(/container utilization/i);
    await photograph('metrics');
    await expectAccessible(frame);
  });

  it('have a walkthrough', async () => {
    await workbench.command('Orchestrator: Open Walkthrough');
    await workbench.page.getByText('Write the first task').first().waitFor();
    await photograph('walkthrough');
  });

  it('show the changes of a task in one editor for all files', async () => {
    await workbench.command('Orchestrator: Show Changes');
    await workbench.answer(reviewed, { until: reviewed });
    await workbench.page.locator('.monaco-editor', { hasText: 'function slugify' }).first().waitFor();
    await photograph('changes');
  });

  it('show the task that a link names, and nothing for a link that names none', async () => {
    const { task_id } = await scene.task(reviewed);
    await workbench.command('View: Close All Editors');
    await workbench.tab(/./).first().waitFor({ state: 'detached' });
    const link = (path: string): string => `vscode://orchestrator-manager.orchestrator-manager${path}`;
    await workbench.followLink(link('/task/..%2F..%2Fetc%2Fpasswd'), { isFirst: true });
    await workbench.followLink(link(`/task/${task_id}/accept`), { isFirst: false });
    await workbench.followLink(link(`/task/${randomUUID()}`), { isFirst: false });
    await workbench.notifications('There is no task');
    await workbench.followLink(link(`/task/${task_id}`), { isFirst: false });
    await workbench.webview('Ready for review');
    expect(await workbench.tab(/./).count()).toBe(1);
    await workbench.clearNotifications();
  });

  it('take a key to sign in with, that the next run uses and that lies in no file', async () => {
    await workbench.command('Orchestrator: Sign In');
    await workbench.answer('API Key', { until: 'API Key' });
    await workbench.step('The API key');
    await workbench.answer('too short');
    await workbench.step('It is longer than that');
    await workbench.answer(ownKey);
    await workbench.notifications('Signed in');

    // The pictures are taken: what they show under way makes room.
    for (const barrier of Object.values(held)) barrier.open();
    await workbench.newTask(signedIn, featureRequest.description);
    await workbench.taskIn('Needs You', signedIn);
    const keys = scene.api.requests
      .filter(({ message }) => JSON.stringify(message).includes(signedIn))
      .map(({ headers }) => headers['x-api-key']);
    expect(new Set(keys)).toEqual(new Set([ownKey]));
    expect(await filesWith(ownKey, await scene.storage())).toEqual([]);
    expect(await filesWith(ownKey, join(scene.folder, 'user'))).toEqual([]);
  });
});

/** Whether it is a page of an extension; one that goes meanwhile is none. */
async function isWebview(frame: Frame): Promise<boolean> {
  const pages = frame.locator('body[data-vscode-theme-id]');
  return (await pages.count().catch(() => 0)) > 0;
}

/** The VSIX, made anew. */
async function packedExtension(): Promise<string> {
  const file = join(vscodeTestFolder, 'suites', 'extension.vsix');
  await mkdir(dirname(file), { recursive: true });
  await promisify(execFile)(process.execPath, ['scripts/package.mjs', '--out', file], {
    cwd: dirname(vscodeTestFolder),
  });
  return file;
}

/** Without its identity: two storages of one would take each other for the same, and one window follow the other. */
async function copyStorage(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: (source) => basename(source) !== 'orchestrator.db.id' });
}

async function filesWith(text: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const found: string[] = [];
  for (const file of files) if ((await readFile(file)).includes(text)) found.push(file);
  return found;
}
