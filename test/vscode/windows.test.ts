import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { vscodeReleases } from '../../scripts/vscode/installations.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { Workbench } from '../support/workbench.ts';
import { makeScene } from './makeScene.ts';

const run = promisify(execFile);
const { skip } = await requireVscode();

describe.skipIf(skip).each(vscodeReleases)('a window of VS Code $version', (release) => {
  it('takes a task all the way: New Task, Completed, Show Changes, Accept and Merge', async () => {
    const scene = await makeScene({ release, scripts: [sampleScript('Slug it', 'right-at-once')] });
    const workbench = await Workbench.open(scene);
    await workbench.newTask('Slug it', featureRequest.description);
    await workbench.taskIn('Completed', 'Slug it');

    await workbench.command('Orchestrator: Show Changes');
    await workbench.answer('Slug it', { until: 'Slug it' });
    await workbench.tab(/Slug it/).waitFor();
    await workbench.page.locator('.monaco-editor', { hasText: 'function slugify' }).first().waitFor();

    await workbench.command('Orchestrator: Accept and Merge');
    await workbench.answer('Slug it', { until: 'Slug it' });
    await workbench.dialog.getByRole('button', { name: 'Accept and Merge' }).click();
    await workbench.taskIn('Done', 'Slug it');
    const { stdout } = await run('git', ['log', '--format=%s', 'main'], { cwd: scene.repository });
    expect(stdout).toBe('Slug it\nA tiny library, and a test for what it lacks\n');
  });

  it('adopts what runs when it is reloaded in mid-stage, and asks the model nothing twice', async () => {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', ({ stage, turn }) =>
      stage === 'implementation' && turn === 1 ? barrier.pass() : null,
    );
    const scene = await makeScene({ release, scripts: [script] });
    const window = await scene.open();
    const workbench = new Workbench(window.page);
    await workbench.openViews();
    await workbench.newTask('Slug it', featureRequest.description);
    await barrier.reached;

    await window.go(scene.url(null));
    await workbench.taskIn('Implementation', 'Slug it');
    const asked = scene.api.requests.length;
    barrier.open();
    await workbench.taskIn('Completed', 'Slug it');
    const task = await scene.onlyTask();
    expect(task.stages.map(({ type, outcome, attempt }) => [type, outcome, attempt])).toEqual([
      ['specification', 'success', 1],
      ['implementation', 'success', 1],
      ['qa', 'success', 1],
    ]);
    expect(scene.api.requests.length).toBeGreaterThan(asked);
  });

  it('follows the window that was first on the folder, live, and takes over when that one closes', async () => {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', ({ stage, turn }) =>
      stage === 'implementation' && turn === 1 ? barrier.pass() : null,
    );
    const scene = await makeScene({ release, scripts: [script] });
    const first = await scene.open();
    const firstWorkbench = new Workbench(first.page);
    await firstWorkbench.openViews();
    await firstWorkbench.tasks.getByText('No tasks yet').waitFor();

    const second = await Workbench.open(scene);
    await second.tasks.getByText('No tasks yet').waitFor();
    await firstWorkbench.newTask('Slug it', featureRequest.description);
    await barrier.reached;
    await second.taskIn('Implementation', 'Slug it');

    await first.close();
    barrier.open();
    await second.taskIn('Completed', 'Slug it');
    expect((await scene.onlyTask()).stages).toHaveLength(3);
  });
});
