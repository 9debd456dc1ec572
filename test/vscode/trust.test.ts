import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vscodeReleases } from '../../scripts/vscode/installations.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { requireVscode } from '../support/suites.ts';
import { Workbench } from '../support/workbench.ts';
import { expectPassed } from './expectPassed.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

describe.skipIf(skip).each(vscodeReleases)('a folder that VS Code $version does not trust', (release) => {
  it('has its settings for what is executed ignored', async () => {
    const scene = await makeScene({
      release,
      trust: 'asked',
      settings: { 'orchestrator.testCommand': '' },
    });
    await mkdir(join(scene.repository, '.vscode'));
    await writeFile(
      join(scene.repository, '.vscode/settings.json'),
      JSON.stringify({
        'orchestrator.testCommand': 'touch taken-over',
        'orchestrator.setupCommand': 'touch taken-over',
        'orchestrator.isolation': 'docker',
      }),
    );
    expectPassed(await scene.inHost('restricted'));
  });

  it('starts nothing until it is trusted, and shows its history also when it is trusted no more', async () => {
    const scene = await makeScene({
      release,
      trust: 'asked',
      scripts: [sampleScript('Slug it', 'right-at-once')],
    });
    await scene.hostTask('add', 'Slug it', { options: ['--gate', 'specification'] });
    const workbench = await Workbench.open(scene);
    await workbench.tasks.getByText('a folder you do not trust').waitFor();
    expect(await workbench.offers('Orchestrator: New Task')).toBe(false);
    expect(scene.api.requests).toEqual([]);

    await workbench.setTrust('given');
    await workbench.taskIn('Needs You', 'Slug it');

    const before = scene.api.requests.length;
    await workbench.setTrust('taken');
    await workbench.taskIn('Needs You', 'Slug it');
    expect(await workbench.offers('Orchestrator: Approve Specification')).toBe(false);
    expect(scene.api.requests).toHaveLength(before);
  });
});
