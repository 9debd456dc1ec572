import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newestVscode, oldestVscode } from '../../scripts/vscode/installations.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { requireVscode } from '../support/suites.ts';
import { Workbench } from '../support/workbench.ts';
import { expectPassed } from './expectPassed.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

describe.skipIf(skip)('a folder that is not trusted', () => {
  it(`has its settings for what is executed ignored by VS Code ${oldestVscode.version}`, async () => {
    const scene = await makeScene({
      release: oldestVscode,
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

  it(`starts nothing in VS Code ${newestVscode.version} until it is trusted, and shows its history also when it is trusted no more`, async () => {
    const scene = await makeScene({
      release: newestVscode,
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
