import type { Frame } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { oldestVscode, vscodeReleases } from '../../scripts/vscode/installations.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { Workbench } from '../support/workbench.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

/** What the sample's specification says first, and after one more answer. */
const firstWords = 'Let me see what the library has and how it is written.';
const laterWords = 'And how it is tested.';

/** One stage is enough: what a window does with a run is the same in each. */
const settings = { 'orchestrator.gates': ['specification'] };

describe.skipIf(skip).each(vscodeReleases)('a window of VS Code $version', (release) => {
  it('adopts two stages that run when it is reloaded, and when its extension host was killed; the model is asked nothing twice', async () => {
    const barriers = { 1: new Barrier(), 2: new Barrier() };
    const other = new Barrier();
    const turns: string[] = [];
    const script = sampleScript('Slug it', 'right-at-once', ({ turn }) => {
      turns.push(`Slug it ${turn}`);
      return turn === 1 || turn === 2 ? barriers[turn].pass() : null;
    });
    const besides = sampleScript('Slug the tags', 'right-at-once', ({ turn }) => {
      turns.push(`Slug the tags ${turn}`);
      return turn === 1 ? other.pass() : null;
    });
    const scene = await makeScene({ release, settings, scripts: [script, besides] });
    const window = await scene.open();
    const workbench = new Workbench(window.page);
    await workbench.openViews();
    for (const title of ['Slug it', 'Slug the tags'])
      await workbench.newTask(title, featureRequest.description);
    await Promise.all([barriers[1].reached, other.reached]);
    await workbench.command('Orchestrator: Open Inspector');
    await workbench.answer('Slug it', { until: 'Slug it' });
    const inspector = await workbench.webview('Slug it');
    await inspector.getByRole('tab', { name: 'Live', exact: true }).click();
    await inspector.getByText(firstWords).waitFor();

    const isBack = async (): Promise<Frame> => {
      for (const title of ['Slug it', 'Slug the tags']) await workbench.taskIn('Specification', title);
      return workbench.webview(firstWords);
    };
    await workbench.reload();
    await isBack();
    barriers[1].open();

    await barriers[2].reached;
    await scene.killExtensionHost();
    await window.go(scene.url());
    const frame = await isBack();
    await frame.getByText(laterWords).waitFor();
    barriers[2].open();
    other.open();

    for (const title of ['Slug it', 'Slug the tags']) {
      await workbench.taskIn('Needs You', title);
      const { stages } = await scene.task(title);
      expect(stages.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([['success', 1]]);
    }
    // What was said before the reload, between, and after: each once.
    for (const words of [firstWords, laterWords]) expect(await frame.getByText(words).count(), words).toBe(1);
    expect(turns).toEqual([...new Set(turns)]);
  });
});

// What one window tells another does not pass through VS Code: once is enough, in the faster one.
describe.skipIf(skip)(`a second window of VS Code ${oldestVscode.version}`, () => {
  const release = oldestVscode;

  it('follows the window that was first on the folder, live, and takes over when that one closes', async () => {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', ({ turn }) =>
      turn === 1 ? barrier.pass() : null,
    );
    const scene = await makeScene({ release, settings, scripts: [script] });
    const first = await scene.open();
    const firstWorkbench = new Workbench(first.page);
    await firstWorkbench.openViews();
    await firstWorkbench.tasks.getByText('No tasks yet').waitFor();

    const second = await Workbench.open(scene);
    await second.tasks.getByText('No tasks yet').waitFor();
    await firstWorkbench.newTask('Slug it', featureRequest.description);
    await barrier.reached;
    await second.taskIn('Specification', 'Slug it');

    await first.close();
    barrier.open();
    await second.taskIn('Needs You', 'Slug it');
    expect((await scene.onlyTask()).stages).toHaveLength(1);
  });
});
