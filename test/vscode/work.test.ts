import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { vscodeReleases } from '../../scripts/vscode/installations.ts';
import { featureRequest, makeSampleRepository } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { manyTasks, seedTasks } from '../support/seededTasks.ts';
import { requireVscode } from '../support/suites.ts';
import { VscodeScene } from '../support/vscodeScene.ts';
import { Workbench } from '../support/workbench.ts';
import { leaveTraces } from './leaveTraces.ts';

const run = promisify(execFile);
const { skip } = await requireVscode();

/** The one that goes all the way. */
const whole = 'Add a slugify function';
const listed = ['Slug the headings', 'Slug the file names', 'Slug the authors'] as const;
const elsewhere = 'Slug the tags';

/** From a new task to a merged one, and what is beside that way. Each test goes on where the one before stopped. */
describe.skipIf(skip).each(vscodeReleases)('a day of work in VS Code $version', (release) => {
  let scene: VscodeScene;
  let workbench: Workbench;

  beforeAll(async () => {
    scene = await VscodeScene.make({
      release,
      programs: resolve(import.meta.dirname, '../support/programs'),
      scripts: [whole, ...listed, elsewhere].map((title) => sampleScript(title, 'right-at-once')),
    });
    await git('init', '-q', '--bare', join(scene.folder, 'origin.git'));
    await git('remote', 'add', 'origin', join(scene.folder, 'origin.git'));
    const items = listed.map((title) => `- [ ] ${title}\n`).join('');
    await writeFile(join(scene.repository, 'TODO.md'), `# To do\n\n${items}`);
    workbench = await Workbench.open(scene);
  });

  afterEach(async ({ task }) => {
    await leaveTraces(scene, release, task);
    await workbench.clearNotifications();
  });

  afterAll(async () => {
    await scene.clear();
  });

  async function git(...args: readonly string[]): Promise<string> {
    return (await run('git', args, { cwd: scene.repository })).stdout;
  }

  it('takes up a setting without a reload, and tells of three tasks that need a person, of more it does not', async () => {
    await scene.changeSettings({ 'orchestrator.gates': ['specification'] });
    await workbench.newTask(whole, featureRequest.description);
    await workbench.openFile('TODO.md');
    await workbench.command('Orchestrator: New Tasks from Checklist');
    await workbench.answerSeveral();
    await workbench.openViews();
    for (const title of [whole, ...listed]) await workbench.taskIn('Needs You', title);

    const waiting = await workbench.notifications('waits for your approval');
    await expect.poll(() => waiting.count()).toBe(3);
    await waiting.filter({ hasText: whole }).getByRole('button', { name: 'Approve' }).click();
    await workbench.notifications('One more task needs you.');
    await workbench.taskIn('Completed', whole);
  });

  it('pushes the branch of a completed task and makes a pull request of it with gh', async () => {
    await workbench.command('Orchestrator: Create Pull Request');
    await workbench.answer(whole, { until: whole });
    await workbench.dialog.getByRole('button', { name: 'Push and Create' }).click();
    await workbench.notifications(`The pull request for "${whole}" is open.`);

    const { branch, commit } = await scene.task(whole);
    const pushed = await git('ls-remote', 'origin', `refs/heads/${branch}`);
    expect(pushed).toBe(`${commit}\trefs/heads/${branch}\n`);
    const asked = await readFile(join(scene.folder, 'home/gh-arguments'), 'utf8');
    // An input of one line was asked for it.
    const description = featureRequest.description.replace('\n', ' ');
    const target = `pr create --head ${branch} --base main`.split(' ');
    expect(asked.split('\0')).toEqual([...target, '--title', whole, '--body', description, '']);
  });

  it('shows what a task changed, and merges it when it is accepted', async () => {
    await workbench.command('Orchestrator: Show Changes');
    await workbench.answer(whole, { until: whole });
    await workbench.page.locator('.monaco-editor', { hasText: 'function slugify' }).first().waitFor();

    // In the checkout, beside the file that the task changed on its branch.
    await workbench.command('View: Show Explorer');
    const explorer = workbench.page.locator('.explorer-folders-view');
    await explorer.locator('.monaco-list-row', { hasText: 'src' }).click();
    const marked = explorer.locator('.monaco-list-row', {
      has: workbench.page.locator('[class*="decoration-itemBadge"]'),
    });
    await marked.filter({ hasText: 'text.js' }).waitFor();
    expect(await marked.filter({ hasText: 'package.json' }).count()).toBe(0);
    await workbench.openViews();

    await workbench.command('Orchestrator: Accept and Merge');
    await workbench.answer(whole, { until: whole });
    await workbench.dialog.getByRole('button', { name: 'Accept and Merge' }).click();
    await workbench.taskIn('Done', whole);
    const log = await git('log', '--format=%s', 'main');
    expect(log).toBe(`${whole}\nA tiny library, and a test for what it lacks\n`);
  });

  it('keeps the worktree of a cancelled task that has something in it, until it is cleaned up', async () => {
    const title = listed[0];
    const { task_id, worktree } = await scene.task(title);
    if (worktree === null) throw new Error('a specified task has a worktree');
    const note = join(worktree, 'a-note-of-the-person.txt');
    await writeFile(note, 'not to be lost');
    await workbench.command('Orchestrator: Cancel');
    await workbench.answer(title, { until: title });
    await workbench.dialog.getByRole('button', { name: 'Cancel Task' }).click();
    await workbench.taskIn('Done', title);
    await expect.poll(() => scene.eventTypes(task_id), { timeout: 30_000 }).toContain('worktree.kept');
    await access(note);

    await workbench.command('Orchestrator: Clean Up Worktrees');
    await workbench.answerSeveral(title);
    await workbench.dialog.getByRole('button', { name: 'Remove' }).click();
    await workbench.notifications('1 worktrees removed');
    await expect(access(worktree)).rejects.toThrow('ENOENT');
  });

  it('of a workspace of several folders, works on the one that the person picks, and asks once', async () => {
    const second = await makeSampleRepository(join(scene.folder, 'second-text'));
    const workspace = join(scene.folder, 'both.code-workspace');
    const window = await scene.openFolders(workspace, [scene.repository, second]);
    const other = new Workbench(window.page);
    await other.openViews();
    const question = 'The folder whose repository the tasks work on';
    await other.step(question);
    await other.page.keyboard.press('Escape');
    await other.tasks.getByRole('button', { name: 'Pick Folder' }).click();
    await other.step(question);
    // VS Code takes the focus elsewhere at any time while a window opens.
    await other.tasks.getByText('Tasks work on one folder').click();
    await other.answer('second', { until: 'second-text' });
    await other.tasks.getByText('No tasks yet').waitFor();
    await other.newTask(elsewhere, featureRequest.description);
    await other.taskIn('Needs You', elsewhere);
    expect(await scene.branches(second)).toContainEqual(
      expect.stringMatching(/^orchestrator\/.*slug-the-tags/),
    );
    expect(await scene.branches(scene.repository)).not.toContainEqual(expect.stringContaining('tags'));

    await window.go(scene.url(workspace));
    await other.openViews();
    await other.taskIn('Needs You', elsewhere);
    expect(await other.quickInput.isVisible()).toBe(false);
    await window.close();
  });

  it('with ten thousand tasks, shows the newest, reaches the oldest, and finds any one', async () => {
    const many = await makeSampleRepository(join(scene.folder, 'many-texts'));
    await seedTasks(await scene.storage(many), many, manyTasks(10_000));
    const other = await Workbench.open(scene, many);
    const startedAt = performance.now();
    await other.taskIn('Completed', 'Task 09991');
    const milliseconds = performance.now() - startedAt;
    process.stdout.write(`VS Code ${release.version}: 10,000 tasks shown in ${milliseconds.toFixed(0)} ms\n`);

    await (await other.lastTask('Done9000')).locator('.monaco-tl-twistie').click();
    await (await other.lastTask('8901 to 9000')).locator('.monaco-tl-twistie').click();
    await other.lastTask('Task 00002');

    await other.command('Orchestrator: Filter Tasks');
    await other.answer('07777');
    await other.taskIn('Done', 'Task 07777');
    await expect.poll(() => other.row(/Task \d{5}/).count()).toBe(1);
    await other.command('Orchestrator: Clear Filter');
    await other.taskIn('Completed', 'Task 09991');
  });
});
