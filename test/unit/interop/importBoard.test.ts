import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseBundle } from '../../../src/engine/context/bundle.ts';
import { metricsOf } from '../../../src/engine/domain/metrics.ts';
import { taskIdOf } from '../../../src/engine/domain/ids.ts';
import { statusOf, type Task } from '../../../src/engine/domain/task.ts';
import { BoardFile } from '../../../src/engine/interop/vibeKanban/boardFile.ts';
import { BoardReader } from '../../../src/engine/interop/vibeKanban/boardReader.ts';
import { chooseProjects } from '../../../src/engine/interop/vibeKanban/chooseProjects.ts';
import { type BoardOutcome, importBoard } from '../../../src/engine/interop/vibeKanban/importBoard.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { EngineOnStorage } from '../../support/importingEngine.ts';
import { openRawDatabase, temporaryDirectory, wasmPath } from '../../support/storeFixtures.ts';
import {
  attemptOf,
  type BoardContent,
  boardId,
  generations,
  makeBoard,
  openBoard,
} from '../../support/vibeKanbanBoard.ts';

const project = { id: boardId(1), name: 'Clock', path: '/projects/clock' };
const other = { id: boardId(2), name: 'Bell', path: '/projects/bell' };

async function readerOf(content: BoardContent): Promise<BoardReader> {
  const directory = await temporaryDirectory();
  await makeBoard(join(directory, 'board.sqlite'), content);
  const reader = await BoardReader.open({ directory, name: 'board.sqlite', wasmPath });
  onTestFinished(() => reader.close());
  return reader;
}

/** Imports the project's tasks. */
async function take(
  { engine }: EngineOnStorage,
  reader: BoardReader,
  { dryRun = false, names = [project.name] }: { readonly dryRun?: boolean; readonly names?: string[] } = {},
): Promise<readonly BoardOutcome[]> {
  const outcomes: BoardOutcome[] = [];
  const pages = (async function* () {
    yield* reader.pages();
  })();
  const projects = reader.projects().filter(({ name }) => names.includes(name));
  const now = Date.UTC(2026, 10, 1);
  for await (const outcome of importBoard(engine, {
    pages,
    projects,
    settings: defaultSettings,
    now,
    dryRun,
  }))
    outcomes.push(outcome);
  return outcomes;
}

function all(of: EngineOnStorage): readonly Task[] {
  return of.store.tasks({ limit: 10_000, offset: 0 });
}

const oneOfEach: BoardContent = {
  projects: [project, other],
  tasks: [
    { id: boardId(10), title: 'To do', description: 'In full', updatedAt: '2025-08-05 00:00:01' },
    { id: boardId(11), title: 'Begun', status: 'inprogress', parent: boardId(10) },
    { id: boardId(12), title: 'In review', status: 'inreview' },
    { id: boardId(13), title: 'Done', status: 'done' },
    { id: boardId(14), title: 'Dropped', status: 'cancelled' },
    { id: boardId(20), title: 'Of another', project: other.id },
  ],
};

describe.each(generations)('the tasks of a board of the %s schema', (generation) => {
  test('keep their rows, rest where a person has to move them, and are on record', async () => {
    const directory = await temporaryDirectory();
    const here = await EngineOnStorage.open(directory);
    const outcomes = await take(here, await readerOf({ ...oneOfEach, generation }));
    expect(outcomes.map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => 'imported'));
    const byTitle = new Map(all(here).map((task) => [task.title, task]));
    expect(
      Object.fromEntries([...byTitle].map(([title, task]) => [title, [task.phase.type, statusOf(task)]])),
    ).toEqual({
      Begun: ['attention', 'inprogress'],
      Done: ['done', 'done'],
      Dropped: ['cancelled', 'cancelled'],
      'In review': ['attention', 'inreview'],
      'To do': ['paused', 'todo'],
    });
    expect(byTitle.get('Begun')?.phase).toMatchObject({
      failure: { code: 'imported', message: expect.stringContaining('in progress on the board') },
    });
    expect(byTitle.get('Begun')?.origin).toMatchObject({
      parentAttempt: attemptOf(boardId(10)),
      parentTask: boardId(10),
    });
    const toDo = byTitle.get('To do');
    expect(toDo).toMatchObject({
      createdAt: Date.UTC(2025, 7, 1, 9, 0, 0, 123),
      updatedAt: Date.UTC(2025, 7, 5, 0, 0, 1),
    });
    const request = toDo === undefined ? null : here.store.bundle(toDo.requestDigest);
    expect(parseBundle(request?.body ?? '')).toMatchObject({ title: 'To do', description: 'In full' });
    const rows = here.store.audit({ after: 0, limit: 100 });
    expect(rows.map(({ type, actor, cause }) => [type, actor, cause])).toEqual(
      Array.from({ length: 5 }, () => ['task.imported', 'person', 'import']),
    );
    expect(here.store.verifyAudit().ok).toBe(true);
    here.close();

    const database = await openRawDatabase(directory);
    const stored = database.all(
      `SELECT hex(tasks.id) AS id, hex(project_id) AS project, title, description, status, tasks.created_at, tasks.updated_at,
        hex(parent_task_attempt) AS parent, projects.name, git_repo_path AS path
        FROM tasks JOIN projects ON projects.id = project_id ORDER BY tasks.id LIMIT 2`,
    );
    const hex = (id: string): string => id.replaceAll('-', '').toUpperCase();
    expect(stored).toEqual([
      {
        id: hex(boardId(10)),
        project: hex(project.id),
        title: 'To do',
        description: 'In full',
        status: 'todo',
        created_at: '2025-08-01 09:00:00.123',
        updated_at: '2025-08-05 00:00:01.000',
        parent: '',
        name: 'Clock',
        path: '/projects/clock',
      },
      expect.objectContaining({ title: 'Begun', status: 'inprogress', parent: hex(attemptOf(boardId(10))) }),
    ]);
  });
});

test('nothing of it starts by itself; what a person starts does', async () => {
  const here = await EngineOnStorage.open(await temporaryDirectory());
  await take(here, await readerOf(oneOfEach));
  expect(here.effects.open.size).toBe(0);
  expect(
    here.service
      .openTasks()
      .map(({ phase }) => phase.type)
      .toSorted(),
  ).toEqual(['attention', 'attention', 'paused']);
  expect(await here.service.dispatch({ type: 'resume', taskId: taskIdOf(boardId(10)) })).toBeNull();
  expect(await here.service.dispatch({ type: 'retry', taskId: taskIdOf(boardId(11)) })).toBeNull();
  expect([...here.effects.open.values()].map(({ type, taskId }) => [type, taskId])).toEqual([
    ['prepare', boardId(10)],
    ['prepare', boardId(11)],
  ]);
});

test('imported twice is imported once, also after a person moved one and by another engine', async () => {
  const directory = await temporaryDirectory();
  const first = await EngineOnStorage.open(directory);
  const reader = await readerOf(oneOfEach);
  await take(first, reader);
  await first.service.dispatch({ type: 'cancel', taskId: taskIdOf(boardId(10)) });
  const before = all(first);
  const { length } = first.store.audit({ after: 0, limit: 100 });
  expect((await take(first, reader)).map(({ type }) => type)).toEqual(
    Array.from({ length: 5 }, () => 'known'),
  );
  first.close();
  const second = await EngineOnStorage.open(directory);
  expect((await take(second, reader)).map(({ type }) => type)).toEqual(
    Array.from({ length: 5 }, () => 'known'),
  );
  expect(all(second)).toEqual(before);
  expect(second.store.audit({ after: 0, limit: 100 })).toHaveLength(length);
});

test('a dry run tells the same and changes nothing', async () => {
  const here = await EngineOnStorage.open(await temporaryDirectory());
  const reader = await readerOf(oneOfEach);
  const dry = await take(here, reader, { dryRun: true });
  expect(all(here)).toEqual([]);
  expect(await take(here, reader)).toEqual(dry);
});

test('two projects of one repository keep apart, beside our own', async () => {
  const directory = await temporaryDirectory();
  const here = await EngineOnStorage.open(directory, project.path);
  await take(here, await readerOf(oneOfEach), { names: ['Clock', 'Bell'] });
  here.close();
  const database = await openRawDatabase(directory);
  expect(database.all('SELECT name, git_repo_path AS path FROM projects ORDER BY rowid')).toEqual([
    { name: 'Repository', path: '/projects/clock' },
    { name: 'Clock', path: `/projects/clock#${project.id}` },
    { name: 'Bell', path: '/projects/bell' },
  ]);
});

test('what another board did is no measure of this engine', async () => {
  const here = await EngineOnStorage.open(await temporaryDirectory());
  await take(here, await readerOf(oneOfEach));
  const measured = metricsOf(all(here), here.store.audit({ after: 0, limit: 100 }), () => true);
  expect(measured).toMatchObject({
    tasks: 0,
    completionRate: null,
    interventionRate: null,
    utilization: null,
  });
});

test('thousands of tasks take few transactions', async () => {
  const here = await EngineOnStorage.open(await temporaryDirectory());
  const reader = await readerOf({
    projects: [project],
    tasks: Array.from({ length: 5_000 }, (_, index) => ({
      id: boardId(1000 + index),
      title: `Task ${index}`,
      description: 'What is to be done. '.repeat(25),
      status: index % 4 === 0 ? 'todo' : 'done',
    })),
  });
  let notices = 0;
  here.service.subscribe(() => {
    notices += 1;
  });
  const outcomes = await take(here, reader);
  expect(outcomes.filter(({ type }) => type === 'imported')).toHaveLength(5_000);
  expect(notices).toBe(25);
  expect(here.service.openTasks()).toHaveLength(1_250);
});

describe('the projects to take', () => {
  const projects = [
    { id: boardId(1), name: 'Here', repositoryPaths: ['/gone', '/here'], taskCount: 3 },
    { id: boardId(2), name: 'There', repositoryPaths: ['/there'], taskCount: 2 },
    { id: boardId(3), name: 'Gone', repositoryPaths: ['/gone'], taskCount: 1 },
    { id: boardId(4), name: 'None', repositoryPaths: [], taskCount: 1 },
  ];
  const belongs = (path: string): Promise<boolean | null> =>
    Promise.resolve(path === '/here' ? true : path === '/there' ? false : null);

  test("are the repository's; of the others it is told where they belong", async () => {
    const choices = await chooseProjects(projects, null, belongs);
    expect(choices.map(({ project: { name }, isTaken }) => [name, isTaken])).toEqual([
      ['Here', true],
      ['There', false],
      ['Gone', false],
      ['None', false],
    ]);
    expect(choices[1]?.reason).toContain('--repo /there');
    expect(choices[2]?.reason).toContain('no repository at /gone');
    expect(choices[3]?.reason).toContain('names no repository');
  });

  test.each(['There', boardId(2), boardId(2).toUpperCase()])('or the one called %s', async (wanted) => {
    const choices = await chooseProjects(projects, wanted, belongs);
    expect(choices.filter(({ isTaken }) => isTaken).map(({ project: { name } }) => name)).toEqual(['There']);
  });

  test('a name that none has, or several, is refused with the names there are', async () => {
    await expect(chooseProjects(projects, 'Where', belongs)).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('There (0b0a2d00)'),
    });
    await expect(chooseProjects(projects, '0b0a2d00', belongs)).rejects.toThrow('More than one');
  });
});

describe('the thread that reads a board', () => {
  const dist = resolve(import.meta.dirname, '../../../dist');

  test('reads it as this thread does', async () => {
    const path = join(await temporaryDirectory(), 'db.sqlite');
    await makeBoard(path, oneOfEach);
    const here = await readerOf(oneOfEach);
    const file = await BoardFile.open(path, dist);
    try {
      expect(file.projects).toEqual(here.projects());
      const pages = [];
      for await (const page of file.pages()) pages.push(page);
      expect(pages).toEqual([...here.pages()]);
    } finally {
      await file.close();
    }
  });

  test('is ended when it says nothing for too long, and says what file was too much for it', async () => {
    const path = join(await temporaryDirectory(), 'db.sqlite');
    await makeBoard(path, oneOfEach);
    await expect(BoardFile.open(path, dist, 1)).rejects.toMatchObject({
      code: 'bad-input',
      message: `${path} cannot be imported. Reading it took longer than 0.001 s.`,
    });
  });

  test('tells what is no board by the name that was given', async () => {
    const path = join(await temporaryDirectory(), 'db.sqlite');
    const database = await openBoard(path);
    database.transaction(() => database.script('CREATE TABLE notes (text TEXT)'));
    database.close();
    await expect(BoardFile.open(path, dist)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(`${path} cannot be imported. It is no board of Vibe Kanban`),
    });
  });
});
