import { describe, expect, it } from 'vitest';
import { newestVscode, oldestVscode } from '../../scripts/vscode/installations.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { Workbench } from '../support/workbench.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

/** One stage is enough: what a window does with a run is the same in each. */
const settings = { 'orchestrator.gates': ['specification'] };

describe.skipIf(skip)(`a window of VS Code ${newestVscode.version}`, () => {
  const release = newestVscode;

  it('adopts what runs when it is reloaded, and when its extension host was killed; the model is asked nothing twice', async () => {
    const barriers = { 1: new Barrier(), 2: new Barrier() };
    const turns: number[] = [];
    const script = sampleScript('Slug it', 'right-at-once', ({ turn }) => {
      turns.push(turn);
      return turn === 1 || turn === 2 ? barriers[turn].pass() : null;
    });
    const scene = await makeScene({ release, settings, scripts: [script] });
    const window = await scene.open();
    const workbench = new Workbench(window.page);
    await workbench.openViews();
    await workbench.newTask('Slug it', featureRequest.description);

    await barriers[1].reached;
    await window.go(scene.url());
    await workbench.taskIn('Specification', 'Slug it');
    barriers[1].open();

    await barriers[2].reached;
    await scene.killExtensionHost();
    await window.go(scene.url());
    await workbench.taskIn('Specification', 'Slug it');
    barriers[2].open();

    await workbench.taskIn('Needs You', 'Slug it');
    const { stages } = await scene.onlyTask();
    expect(stages.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([['success', 1]]);
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
