import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newestVscode } from '../../scripts/vscode/installations.ts';
import { secret } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { boardId, makeBoard } from '../support/vibeKanbanBoard.ts';
import { VscodeScene } from '../support/vscodeScene.ts';
import { Workbench } from '../support/workbench.ts';
import { leaveTraces } from './leaveTraces.ts';

const { skip } = await requireVscode();

/** What a window says that has no tasks yet. Each test goes on where the one before stopped. */
describe.skipIf(skip)(`a new user of VS Code ${newestVscode.version}`, () => {
  const release = newestVscode;
  let scene: VscodeScene;
  let workbench: Workbench;

  beforeAll(async () => {
    scene = await VscodeScene.make({
      release,
      signIn: 'none',
      settings: {
        'orchestrator.isolation': 'docker',
        'orchestrator.dockerHost': 'unix:///nowhere/docker.sock',
      },
    });
  });

  afterEach(({ task }) => leaveTraces(scene, release, task));

  afterAll(async () => {
    await scene.clear();
  });

  it('is asked for a folder where none is open', async () => {
    const nothing = await Workbench.open(scene, null);
    await nothing.tasks.getByText('Tasks work on a folder with a git repository.').waitFor();
    await nothing.tasks.getByRole('button', { name: 'Open Folder' }).waitFor();
    expect(await nothing.offers('Orchestrator: New Task')).toBe(false);
    await nothing.page.close();
  });

  it('is asked for a repository where the folder is in none', async () => {
    const folder = join(scene.folder, 'no-repository');
    await mkdir(folder);
    const elsewhere = await Workbench.open(scene, folder);
    await elsewhere.tasks.getByText('This folder is not in a git repository').waitFor();
    await elsewhere.page.close();
  });

  it('is told of each thing that lacks, until it is there: no reload in between', async () => {
    workbench = await Workbench.open(scene);
    await workbench.tasks.getByText('no Docker engine answers here').waitFor();
    await leadsFromSetupTo('Docker', 'docs.docker.com/get-docker');

    await scene.changeSettings({
      'orchestrator.isolation': 'process',
      'orchestrator.claudePath': '/nowhere/claude',
    });
    await workbench.tasks.getByText('Claude Code was not found on this machine.').waitFor();
    await leadsFromSetupTo('Claude Code', 'docs.claude.com');

    await scene.changeSettings({ 'orchestrator.claudePath': scene.claude });
    await workbench.tasks.getByText('Claude Code needs a sign-in').waitFor();
  });

  /** Choosing what lacks asks, as VS Code does for every page outside, whether to go there. */
  async function leadsFromSetupTo(part: string, address: string): Promise<void> {
    await workbench.command('Orchestrator: Check Set-up');
    await workbench.step('Choose what lacks to mend it.');
    await workbench.choice(part).first().click();
    await workbench.dialog.getByText(address).waitFor();
    await workbench.dialog.getByRole('button', { name: 'Cancel' }).click();
    await workbench.dialog.waitFor({ state: 'hidden' });
  }

  it('mends what lacks from Check Set-up', async () => {
    await workbench.command('Orchestrator: Check Set-up');
    await workbench.step('Choose what lacks to mend it.');
    for (const part of ['git', 'Repository', 'Claude Code'])
      expect(await workbench.choice(part).first().innerText(), part).toContain('ready');
    await workbench.choice('to be mended').click();
    await workbench.step('What do you sign in with?');
    await workbench.answer('API Key', { until: 'API Key' });
    await workbench.step('The API key');
    await workbench.answer(secret);
    await workbench.tasks.getByText('No tasks yet').waitFor();

    await workbench.command('Orchestrator: Check Set-up');
    await workbench.step('Everything is ready.');
    await workbench.page.keyboard.press('Escape');
    await workbench.quickInput.waitFor({ state: 'hidden' });
  });

  it('is led to the log by what goes wrong', async () => {
    await workbench.command('Orchestrator: Retry Stage');
    const told = await workbench.notifications('No task has failed.');
    await told.getByRole('button', { name: 'Show Log' }).click();
    await workbench.page.locator('.part.panel').getByText('command.failed').first().waitFor();
    await workbench.clearNotifications();
  });

  it('brings the board of a Vibe Kanban along, which is found by itself', async () => {
    const folder = join(scene.folder, 'home/.local/share/vibe-kanban');
    await mkdir(folder, { recursive: true });
    const project = boardId(1);
    await makeBoard(join(folder, 'db.sqlite'), {
      projects: [{ id: project, name: 'tiny-text', path: scene.repository }],
      tasks: [
        { id: boardId(2), title: 'From the board', status: 'todo', project },
        { id: boardId(3), title: 'Also from the board', status: 'done', project },
      ],
    });
    await workbench.command('Orchestrator: Import Vibe Kanban Board');
    await workbench.step('The database of the board');
    await workbench.answer('', { until: 'db.sqlite' });
    await workbench.notifications('2 tasks imported, none of which starts by itself');
    await workbench.row('From the board').first().waitFor();
    expect(scene.api.requests).toEqual([]);
    expect((await scene.tasks()).map(({ title }) => title).toSorted()).toEqual([
      'Also from the board',
      'From the board',
    ]);

    await workbench.command('Orchestrator: Import Vibe Kanban Board');
    await workbench.step('The database of the board');
    await workbench.answer('', { until: 'db.sqlite' });
    await workbench.notifications('0 tasks imported, none of which starts by itself; 2 were here already');
  });
});
