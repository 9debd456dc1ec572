import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exitCodes } from '../../src/engine/host/exitCodes.ts';
import { auditTypes, FollowedStream } from '../support/followedStream.ts';
import { HostProcess } from '../support/hostProcess.ts';
import { featureRequest } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier, Scene } from '../support/scene.ts';
import { type BoardContent, BoardHolder, boardId, makeBoard } from '../support/vibeKanbanBoard.ts';

const claude = resolve(import.meta.dirname, '../../node_modules/.bin/claude');
const inProcess = [
  '--isolation',
  'process',
  '--claude',
  claude,
  '--test-command',
  featureRequest.testCommand,
];

/** A board where Vibe Kanban has its own, of the scene's repository and another one. */
async function boardOf(
  scene: Scene,
  content: Partial<BoardContent> = {},
): Promise<{ folder: string; path: string }> {
  const folder = join(scene.folder, 'home/.local/share/vibe-kanban');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'db.sqlite');
  await makeBoard(path, {
    projects: [
      { id: boardId(1), name: 'Tiny text', path: scene.repository },
      { id: boardId(2), name: 'Elsewhere', path: '/nowhere/at/all' },
    ],
    tasks: [
      { id: boardId(10), title: 'Slug it', description: featureRequest.description },
      { id: boardId(11), title: 'Begun \u001b[2J there', status: 'inprogress' },
      { id: boardId(12), title: 'Over', status: 'done' },
      { id: boardId(20), title: 'Not ours', project: boardId(2) },
    ],
    ...content,
  });
  return { folder, path };
}

function fingerprintOf(folder: string): readonly unknown[] {
  return readdirSync(folder).map((name) => {
    const { mtimeNs, ctimeNs, size } = statSync(join(folder, name), { bigint: true });
    return [
      name,
      mtimeNs,
      ctimeNs,
      size,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ];
  });
}

async function tasksOf(scene: Scene): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await scene.done(scene.host('tasks'), 0)).lines;
}

test('a board that is open elsewhere is found, taken over once, left as it was, and its task goes its way', async () => {
  const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
  const { folder, path } = await boardOf(scene);
  const holder = new BoardHolder(path);
  await holder.run('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
  await holder.run("UPDATE tasks SET status = 'cancelled' WHERE title = 'Over'");
  const before = fingerprintOf(folder);

  const dry = await scene.done(scene.host('import-vibe-kanban', '--dry-run', ...inProcess), 0);
  expect(await tasksOf(scene)).toEqual([]);
  const host = await scene.done(scene.host('import-vibe-kanban', ...inProcess), 0);
  expect(host.lines).toEqual([
    expect.objectContaining({ type: 'project', name: 'Tiny text', taken: true, reason: null }),
    expect.objectContaining({
      type: 'project',
      name: 'Elsewhere',
      tasks: 1,
      taken: false,
      reason: expect.stringContaining('/nowhere/at/all'),
    }),
    { type: 'imported', task_id: boardId(10), title: 'Slug it', status: 'todo', notes: [] },
    expect.objectContaining({ type: 'imported', task_id: boardId(11), status: 'inprogress' }),
    expect.objectContaining({ type: 'imported', task_id: boardId(12), status: 'cancelled' }),
    {
      type: 'import',
      database: path,
      imported: 3,
      known: 0,
      skipped: 0,
      by_status: { todo: 1, inprogress: 1, cancelled: 1 },
      dry_run: false,
    },
  ]);
  expect(dry.lines.slice(0, -1)).toEqual(host.lines.slice(0, -1));
  const again = await scene.done(scene.host('import-vibe-kanban', ...inProcess), 0);
  expect(again.lines.at(-1)).toMatchObject({ imported: 0, known: 3 });
  expect(fingerprintOf(folder)).toEqual(before);

  // Nothing moves by itself.
  expect((await scene.done(scene.host('resume'), 0)).finals()).toEqual([]);
  const words = (await tasksOf(scene)).map((task) => [task['title'], task['status'], task['outcome']]);
  expect(words).toEqual([
    ['Over', 'cancelled', 'cancelled'],
    ['Begun \u001b[2J there', 'inprogress', 'needs-attention'],
    ['Slug it', 'todo', 'waiting'],
  ]);
  await scene.done(scene.host('start', boardId(10)), 0);
  const driven = await scene.done(scene.host('resume'), 0);
  expect(driven.finals()).toMatchObject([{ task_id: boardId(10), outcome: 'completed' }]);
  expect((await scene.done(scene.host('audit', '--verify'), 0)).lines).toMatchObject([{ ok: true }]);
});

test('what was imported while a server drives is started over HTTP, as it was on the board, and goes its way', async () => {
  const scene = await Scene.make('process', [
    sampleScript('Slug it', 'right-at-once'),
    sampleScript('Slug it, begun elsewhere', 'right-at-once'),
  ]);
  const { path } = await boardOf(scene, {
    tasks: [
      { id: boardId(10), title: 'Slug it', description: featureRequest.description },
      {
        id: boardId(11),
        title: 'Slug it, begun elsewhere',
        description: featureRequest.description,
        status: 'inprogress',
      },
      { id: boardId(12), title: 'Over', status: 'done' },
    ],
  });
  const host = scene.host('serve');
  const { url, token } = await host.until(({ type }) => type === 'listening');
  const api = `${String(url)}/api/orchestrator`;
  const authorization = `Bearer ${String(token)}`;
  const start = async (id: string): Promise<readonly [number, unknown]> => {
    const response = await fetch(`${api}/start`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ task_id: id, initial_prompt: 'Whatever a page sends along.' }),
    });
    return [response.status, await response.json()];
  };
  const all = new FollowedStream(
    `${String(url)}/api/events/orchestrator?last_event_id=0`,
    auditTypes,
    String(token),
  );
  await scene.done(scene.host('import-vibe-kanban', path, ...inProcess), 0);
  expect(host.lines.filter(({ type }) => type !== 'listening').map(({ type }) => type)).toEqual([
    'task.imported',
    'task.imported',
    'task.imported',
  ]);
  for (const id of [boardId(10), boardId(11)])
    expect(await start(id)).toEqual([
      200,
      { orchestration_id: id, current_stage: 'specification', status: 'running' },
    ]);
  expect(await start(boardId(12))).toMatchObject([409, { code: 'final' }]);
  for (const id of [boardId(10), boardId(11)]) {
    await host.event('task.completed', ({ task_id }) => task_id === id);
    const stages = await fetch(`${api}/stages/${id}`, { headers: { authorization } });
    expect(await stages.json()).toMatchObject([
      { stage_type: 'specification', status: 'completed', retry_count: 0 },
      { stage_type: 'implementation', status: 'completed', retry_count: 0 },
      { stage_type: 'qa', status: 'completed', retry_count: 0 },
    ]);
    expect(await scene.show(id)).toMatchObject({ title: expect.stringContaining('Slug it') });
  }
  expect(await start(boardId(10))).toMatchObject([409, { code: 'not-now' }]);
  const rows = (await scene.done(scene.host('audit'), 0)).lines;
  const events = await all.until((heard) => Number(heard.at(-1)?.id) === rows.at(-1)?.['seq']);
  expect(events.map(({ id }) => Number(id))).toEqual(rows.map(({ seq }) => seq));
  host.child.kill('SIGINT');
  await scene.done(host, exitCodes.interrupted);
});

test('while one drives, boards and exports come in and go out through it', async () => {
  const barrier = new Barrier();
  const scene = await Scene.make('process', [
    sampleScript('Slug it', 'right-at-once', ({ stage }) =>
      stage === 'implementation' ? barrier.pass() : null,
    ),
  ]);
  const { path } = await boardOf(scene, { tasks: [{ id: boardId(30), title: 'From the board' }] });
  const first = scene.task('run', 'Slug it');
  await barrier.reached;
  const imported = await scene.done(scene.host('import-vibe-kanban', path, ...inProcess), 0);
  expect(imported.lines.at(-1)).toMatchObject({ imported: 1 });

  const file = join(scene.folder, 'all.jsonl');
  const exported = await scene.done(scene.host('export', file), 0);
  expect(exported.lines).toMatchObject([{ type: 'exported', file, tasks: 2 }]);
  const back = await scene.done(scene.host('import', file), 0);
  expect(back.lines).toMatchObject([{ type: 'import', imported: 0, known: 2 }]);

  // Into another storage, which nobody holds: the run of the first does not run there.
  const other = await mkdtemp(join(tmpdir(), 'orch-'));
  onTestFinished(() => rm(other, { recursive: true, force: true }));
  const there = (...args: readonly string[]): HostProcess =>
    new HostProcess([...args, '--json', '--repo', scene.repository, '--storage', other], {
      cwd: scene.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: join(scene.folder, 'home') },
    });
  const moved = await scene.done(there('import', file), 0);
  expect(moved.lines).toMatchObject([
    { type: 'import', imported: 2, known: 0, repository: scene.repository },
  ]);
  expect((await scene.done(there('audit', '--verify'), 0)).lines).toMatchObject([{ ok: true }]);
  const tasks = (await scene.done(there('tasks'), 0)).lines;
  expect(new Map(tasks.map(({ title, outcome }) => [title, outcome]))).toEqual(
    new Map([
      ['From the board', 'waiting'],
      ['Slug it', 'waiting'],
    ]),
  );
  barrier.open();
  await scene.done(first, 0);
});

describe('bad input ends with 3, its reason on stderr, nothing on stdout and no task', () => {
  test.each<readonly [string, string, (scene: Scene) => Promise<HostProcess> | HostProcess]>([
    [
      'no board where boards are',
      'There is no database of Vibe Kanban in',
      (scene) => scene.host('import-vibe-kanban'),
    ],
    [
      'a board that is a text',
      'is not an SQLite database',
      async (scene) => scene.host('import-vibe-kanban', await scene.write('db.sqlite', 'Once upon a time')),
    ],
    [
      'a board of other repositories',
      'Elsewhere (1 tasks)',
      async (scene) => {
        await boardOf(scene, {
          projects: [{ id: boardId(2), name: 'Elsewhere', path: '/nowhere/at/all' }],
          tasks: [{ id: boardId(20), title: 'Not ours' }],
        });
        return scene.host('import-vibe-kanban');
      },
    ],
    [
      'a project that the board has not',
      'no project "Mine"',
      async (scene) => scene.host('import-vibe-kanban', (await boardOf(scene)).path, '--project', 'Mine'),
    ],
    ['an export that is not there', 'cannot be read', (scene) => scene.host('import', 'nowhere.jsonl')],
    [
      'an export of a newer release',
      'newer Orchestrator Manager',
      async (scene) =>
        scene.host('import', await scene.write('new.jsonl', '{"type":"orchestrator-export","format":9}\n')),
    ],
    [
      'an export into a folder that is not there',
      'cannot be written',
      (scene) => scene.host('export', join(scene.folder, 'nowhere', 'all.jsonl')),
    ],
  ])('%s', async (_what, word, start) => {
    const scene = await Scene.make('process', []);
    const host = await scene.done(await start(scene), 3);
    expect(host.stderr).toContain(word);
    expect(host.lines).toEqual([]);
    expect(await tasksOf(scene)).toEqual([]);
  });
});
