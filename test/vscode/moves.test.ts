import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { oldestVscode, vscodeReleases } from '../../scripts/vscode/installations.ts';
import { hostPath } from '../support/hostProcess.ts';
import type { Script } from '../support/playedModel.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { VscodeScene } from '../support/vscodeScene.ts';
import { Workbench } from '../support/workbench.ts';
import { expectPassed } from './expectPassed.ts';
import { leaveTraces } from './leaveTraces.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

/** No script knows it: its agent is refused. */
const refused = 'Translate the README';
const settings = { 'orchestrator.gates': ['specification'] };

describe.skipIf(skip).each(vscodeReleases)('a person in VS Code $version', (release) => {
  it('edits a specification, sees what QA found, and moves tasks by commands', async () => {
    const [gated, fresh] = ['Slug it', 'Slug the tags'];
    const criterion = 'slugify of a text of digits keeps them.';
    const barrier = new Barrier();
    const scene = await makeScene({
      release,
      settings,
      scripts: [withFinding(sampleScript(gated, 'right-at-once')), heldAtFirst(fresh, barrier)],
    });
    const underWay = join(scene.folder, 'under-way');
    void barrier.reached.then(() => writeFile(underWay, ''));
    await scene.hostTask('run', gated, { options: ['--gate', 'specification'], exitCode: 2 });
    await scene.hostTask('run', refused, { exitCode: 2 });
    const place = { host: hostPath, repository: scene.repository, storage: await scene.storage() };

    expectPassed(await scene.inHost('moving', { ...place, gated, criterion, refused, fresh, underWay }));
    barrier.open();
    const { task_id } = await scene.task(gated);
    expect(await scene.eventTypes(task_id)).toEqual(
      expect.arrayContaining(['specification.edited', 'lease.released']),
    );
    const told = scene.api.requests.filter(({ message }) => JSON.stringify(message).includes(criterion));
    expect(told.length).toBeGreaterThan(0);
  });
});

/** In one release, the faster one: what this is about lies in the extension. Each test goes on where the one before stopped. */
describe.skipIf(skip)(`a queue in VS Code ${oldestVscode.version}`, () => {
  const release = oldestVscode;
  const first = 'Slug the headings';
  const queued = ['Slug the tags', 'Slug the authors', 'Slug the file names'] as const;
  const [tags, authors, files] = queued;
  const question = 'What becomes of umlauts?';
  const barrier = new Barrier();
  let scene: VscodeScene;
  let workbench: Workbench;

  beforeAll(async () => {
    const asking = sampleScript(first, 'right-at-once', ({ turn }) => (turn === 0 ? barrier.pass() : null));
    scene = await VscodeScene.make({
      release,
      settings: { ...settings, 'orchestrator.maxConcurrentTasks': 1 },
      scripts: [
        { ...asking, specification: { ...asking.specification, openQuestions: [question] } },
        ...queued.map((title) => sampleScript(title, 'right-at-once')),
      ],
    });
    for (const title of [first, ...queued])
      await scene.hostTask('add', title, { options: ['--gate', 'specification'] });
    workbench = await Workbench.open(scene);
    await barrier.reached;
    await workbench.taskIn('Specification', first);
    await workbench.taskIn('Queued', files);
  });

  afterEach(({ task }) => leaveTraces(scene, release, task));

  afterAll(async () => {
    await scene.clear();
  });

  /** Resolves when the queue has this order. */
  async function queueIs(...titles: readonly string[]): Promise<void> {
    const titleOf = (row: string): string => queued.find((title) => row.startsWith(title)) ?? row;
    await expect
      .poll(async () => (await workbench.rowsIn('Queued')).map(titleOf), { timeout: 30_000 })
      .toEqual(titles);
  }

  it('is counted in the status bar, for eyes and for a screen reader', async () => {
    await workbench.statusBar
      .locator('[id*="orchestrator"]', { hasText: /1\/1\s+3/ })
      .first()
      .waitFor();
    await workbench.statusBar.getByLabel('1 of 1 running, 3 queued').first().waitFor();
    await queueIs(tags, authors, files);
  });

  it('is put in another order by keys', async () => {
    await workbench.row(files).click({ modifiers: ['Control'] });
    await workbench.page.keyboard.press('Alt+ArrowUp');
    await queueIs(tags, files, authors);
    await workbench.page.keyboard.press('Alt+ArrowUp');
    await queueIs(files, tags, authors);
    await workbench.page.keyboard.press('Alt+ArrowDown');
    await queueIs(tags, files, authors);
    await workbench.row(files).click({ modifiers: ['Control'] });
  });

  it('is put in another order by dragging', async () => {
    await workbench.row(authors).dragTo(workbench.row(tags));
    await queueIs(authors, tags, files);
  });

  it('takes several that are selected to the front at once', async () => {
    await workbench.row(tags).click({ modifiers: ['Control'] });
    await workbench.row(files).click({ modifiers: ['Control'] });
    await workbench.chooseFor(workbench.row(files), 'Set Priority');
    await workbench.step('Priority of 2 Tasks');
    await workbench.answer('', { until: 'Before All Others' });
    await queueIs(tags, files, authors);
  });

  it('goes on in that order, to where each one waits for the person', async () => {
    barrier.open();
    for (const title of [first, ...queued]) await workbench.taskIn('Needs You', title);
    const started = scene.api.requests.flatMap(({ message }) => {
      const text = JSON.stringify(message ?? null);
      return [first, ...queued].filter((title) => text.includes(title));
    });
    expect([...new Set(started)]).toEqual([first, tags, files, authors]);
  });

  it("sends a specification back with the person's notes", async () => {
    const note = 'Keep the digits, please.';
    await workbench.command('Orchestrator: Send Back with Notes');
    await workbench.answer(tags, { until: tags });
    await workbench.step('What should be different?');
    await workbench.answer(note);
    await expect.poll(() => asked(note), { timeout: 30_000 }).toBe(true);
    await workbench.taskIn('Needs You', tags);
  });

  it('answers what a specification leaves open', async () => {
    await workbench.command('Orchestrator: Answer Open Questions');
    await workbench.answer(first, { until: first });
    await workbench.step(question);
    await workbench.answer('They lose their dots.');
    await expect.poll(() => asked('They lose their dots.'), { timeout: 30_000 }).toBe(true);
    await workbench.taskIn('Needs You', first);
  });

  const asked = (text: string): boolean =>
    scene.api.requests.some(({ message }) => JSON.stringify(message ?? null).includes(text));
});

function withFinding(script: Script): Script {
  const [part, ...later] = script.qa;
  const message = 'Say in the JSDoc what becomes of letters outside a-z.';
  const findings = [{ severity: 'minor', message, file: 'src/text.js', line: 7 }] as const;
  return { ...script, qa: [{ ...part, findings }, ...later] };
}

/** Its first request is never answered but by the barrier; asked again, the model answers. */
function heldAtFirst(marker: string, barrier: Barrier): Script {
  let isHeld = false;
  return sampleScript(marker, 'right-at-once', () => {
    if (isHeld) return null;
    isHeld = true;
    return barrier.pass();
  });
}
