import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { HostProcess } from '../support/hostProcess.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene, secret } from '../support/scene.ts';

const run = promisify(execFile);
const claude = resolve(import.meta.dirname, '../../node_modules/.bin/claude');

/** The host in another repository than the scene's. */
function hostIn(scene: Scene, repository: string, ...args: readonly string[]): HostProcess {
  return new HostProcess([...args, '--json', '--repo', repository, '--storage', scene.storage], {
    cwd: scene.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: join(scene.folder, 'home') },
  });
}

async function emptyRepository(scene: Scene): Promise<string> {
  const path = join(scene.folder, 'empty');
  await mkdir(path);
  await run('git', ['init', '--quiet'], { cwd: path });
  return path;
}

type Start = (scene: Scene) => Promise<HostProcess> | HostProcess;

describe('bad input ends with 3, its reason on stderr, nothing on stdout and no task', () => {
  test.each<readonly [string, string, Start]>([
    [
      'a number that the database cannot hold',
      'whole number',
      (scene) => scene.task('add', 'x', '--max-qa-rounds', '9'.repeat(23)),
    ],
    ['a title of spaces', 'needs a title', (scene) => scene.task('add', ' ')],
    [
      'a folder that is not there',
      'There is no folder',
      (scene) => hostIn(scene, join(scene.folder, 'nowhere'), 'tasks'),
    ],
    [
      'a repository without a commit',
      'no commit yet',
      async (scene) =>
        hostIn(scene, await emptyRepository(scene), 'add', '--title', 'x', '--isolation', 'process'),
    ],
    [
      'a base branch that is not there, at add',
      'no local branch "nowhere"',
      (scene) => scene.task('add', 'x', '--base', 'nowhere'),
    ],
    [
      'a base branch that is not there, at run',
      'no local branch "nowhere"',
      (scene) => scene.task('run', 'x', '--base', 'nowhere'),
    ],
    ['an unknown task', 'There is no task deadbeef', (scene) => scene.host('show', 'deadbeef')],
    [
      'a settings file that is a list',
      'is not right',
      async (scene) => scene.task('add', 'x', '--settings', await scene.write('settings.json', '[]')),
    ],
    [
      'an export into nowhere',
      'cannot be written',
      (scene) => scene.host('audit', '--export', join(scene.folder, 'nowhere', 'audit.jsonl')),
    ],
  ])('%s', async (_what, word, start) => {
    const scene = await Scene.make('process', []);
    const host = await scene.done(await start(scene), 3);
    expect(host.stderr).toContain(word);
    expect(host.lines).toEqual([]);
    expect((await scene.done(scene.host('tasks'), 0)).lines).toEqual([]);
  });
});

test('what a title says reaches the terminal without its control characters', async () => {
  const scene = await Scene.make('process', []);
  const added = await scene.done(scene.task('add', 'Clear \u001b[2J it'), 0);
  const [task] = added.lines;
  await scene.done(scene.host('cancel', task?.task_id ?? ''), 0);
  const refused = await scene.done(scene.host('cancel', task?.task_id ?? ''), 3);
  expect(refused.stderr).toContain('[2J it');
  expect(refused.stderr).not.toContain('\u001b');
});

const theirKey = 'sk-ant-api03-Not_a-Real-0123456789abcdef';

test.each([
  ['an option that there is not', ['--api-key', theirKey]],
  ['an option that there is not, in one word', [`--api-key=${theirKey}`]],
  ['the description', ['--description', `Use ${theirKey}`]],
  ['the description, as the one of the environment', ['--description', `Use ${secret}`]],
  ['the test command', ['--test-command', `ANTHROPIC_API_KEY=${theirKey} npm test`]],
  ['a value that is none', ['--max-budget', theirKey]],
])('a key that is given by %s is refused, kept nowhere and not repeated', async (_where, args) => {
  const scene = await Scene.make('process', []);
  const refused = await scene.done(
    scene.host('add', '--title', 'Slug it', '--isolation', 'process', '--claude', claude, ...args),
    3,
  );
  expect(refused.stderr).not.toBe('');
  const told = JSON.stringify(refused.lines) + refused.stderr;
  for (const key of [theirKey, secret]) expect(told).not.toContain(key);
  const left = await readdir(scene.folder, { recursive: true, withFileTypes: true });
  for (const entry of left.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    for (const key of [theirKey, secret]) expect(content.includes(key), path).toBe(false);
  }
});

test('a key in a settings file is refused, and one in a note too', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const settings = await scene.write('settings.json', JSON.stringify({ isolation: theirKey }));
  const refused = await scene.done(scene.host('add', '--title', 'Slug it', '--settings', settings), 3);
  expect(refused.stderr).toContain('isolation');
  expect(refused.stderr).not.toContain(theirKey);
  const host = await scene.done(scene.task('run', 'Slug it', '--gate', 'specification'), 2);
  const id = host.finals()[0]?.task_id ?? '';
  const note = await scene.done(scene.host('send-back', id, '--note', `Use ${theirKey}`), 3);
  expect(note.stderr).toContain('A credential stands in these words');
  expect(note.stderr).not.toContain(theirKey);
  expect((await scene.show(id)).status).toBe('inreview');
});

test('a file that the request names by @path is not read before the agent may read it', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const outside = await scene.write('outside.md', 'Not for the agent');
  await scene.done(scene.task('run', `Slug it as @${outside}`), 0);
  const sent = JSON.stringify(scene.api.conversation);
  expect(sent).toContain(`@${outside}`);
  expect(sent).not.toContain('Not for the agent');
});

test('an ignored file is copied along, the setup command finds it, and the work is accepted without it', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  await appendFile(join(scene.repository, '.git/info/exclude'), '.env\n');
  await run('sh', ['-c', 'echo SECRET=1 > .env'], { cwd: scene.repository });
  const setup = 'test -f .env && echo done > setup.txt';
  const host = await scene.done(
    scene.task('run', 'Slug it', '--copy-file', '.env', '--setup-command', setup),
    0,
  );
  const [task] = host.finals();
  expect(await readFile(join(task?.worktree ?? '', '.env'), 'utf8')).toBe('SECRET=1\n');
  expect(await scene.git('diff', '--name-only', `main...${task?.branch}`)).toBe('src/text.js\n');
  await scene.done(scene.host('accept', task?.task_id ?? ''), 0);
});

test('while one drives, a second is told by whom with 4, and doctor finds nothing wrong with the storage', async () => {
  const barrier = new Barrier();
  const scene = await Scene.make('process', [
    sampleScript('Slug it', 'right-at-once', ({ stage }) =>
      stage === 'specification' ? barrier.pass() : null,
    ),
  ]);
  const first = scene.task('run', 'Slug it');
  await barrier.reached;
  const second = await scene.done(scene.host('resume'), 4);
  expect(second.stderr).toContain(`orchestrator run (process ${first.child.pid}`);
  expect(second.lines).toEqual([]);
  const doctor = scene.host('doctor', '--claude', claude);
  await doctor.ended;
  expect(doctor.lines.filter((line) => ['storage', 'claude'].includes(String(line['name'])))).toEqual([
    expect.objectContaining({ name: 'storage', ok: true }),
    expect.objectContaining({ name: 'claude', ok: true }),
  ]);
  barrier.open();
  await scene.done(first, 0);
});
