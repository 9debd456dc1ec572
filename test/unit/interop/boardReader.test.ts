import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BoardPage, BoardTask } from '../../../src/engine/interop/vibeKanban/board.ts';
import { BoardReader } from '../../../src/engine/interop/vibeKanban/boardReader.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { temporaryDirectory, wasmPath } from '../../support/storeFixtures.ts';
import {
  attemptOf,
  type BoardContent,
  boardId,
  generations,
  makeBoard,
  openBoard,
} from '../../support/vibeKanbanBoard.ts';

const project = { id: boardId(1), name: 'Clock «größer»', path: '/projects/clock' };

async function read(
  directory: string,
): Promise<{ reader: BoardReader; tasks: BoardTask[]; pages: BoardPage[] }> {
  const reader = await BoardReader.open({ directory, name: 'board.sqlite', wasmPath });
  onTestFinished(() => reader.close());
  const pages = [...reader.pages()];
  return { reader, pages, tasks: pages.flatMap((page) => page.tasks) };
}

function* take(pages: Iterable<BoardPage>, most: number): Generator<BoardPage, void> {
  let count = 0;
  for (const page of pages) {
    count += 1;
    if (count > most) return;
    yield page;
  }
}

async function boardOf(content: BoardContent): Promise<string> {
  const directory = await temporaryDirectory();
  await makeBoard(join(directory, 'board.sqlite'), content);
  return directory;
}

describe.each(generations)('a board of the %s schema', (generation) => {
  test('is read whole: ids, words, statuses, times, parents, projects', async () => {
    const directory = await boardOf({
      generation,
      projects: [project, { id: boardId(2), name: 'Empty', path: '/projects/empty' }],
      tasks: [
        { id: boardId(10), title: 'First', description: 'All\nof it 🕰', updatedAt: '2025-08-02 10:11:12' },
        {
          id: boardId(11),
          title: 'Second',
          status: 'inprogress',
          parent: boardId(10),
          createdAt: '2025-08-03T04:05:06.789123Z',
        },
      ],
    });
    const { reader, tasks, pages } = await read(directory);
    expect(reader.projects()).toEqual([
      { id: project.id, name: project.name, repositoryPaths: ['/projects/clock'], taskCount: 2 },
      { id: boardId(2), name: 'Empty', repositoryPaths: ['/projects/empty'], taskCount: 0 },
    ]);
    expect(pages.flatMap(({ skipped }) => skipped)).toEqual([]);
    expect(tasks).toEqual([
      {
        id: boardId(10),
        projectId: project.id,
        title: 'First',
        description: 'All\nof it 🕰',
        status: 'todo',
        createdAt: Date.UTC(2025, 7, 1, 9, 0, 0, 123),
        updatedAt: Date.UTC(2025, 7, 2, 10, 11, 12),
        parentAttempt: null,
        parentTask: null,
        notes: [],
      },
      {
        id: boardId(11),
        projectId: project.id,
        title: 'Second',
        description: '',
        status: 'inprogress',
        createdAt: Date.UTC(2025, 7, 3, 4, 5, 6, 789),
        updatedAt: Date.UTC(2025, 7, 3, 4, 5, 6, 789),
        parentAttempt: attemptOf(boardId(10)),
        parentTask: boardId(10),
        notes: [],
      },
    ]);
  });
});

describe('what a row may hold', () => {
  test('control characters, NULs and a megabyte of text stay as they are', async () => {
    const title = 'Clear \u001b[2J it\u0000 and\nmore';
    const description = `\u0000${'größer '.repeat(150_000)}`;
    const { tasks } = await read(
      await boardOf({ projects: [project], tasks: [{ id: boardId(10), title, description }] }),
    );
    expect(tasks[0]?.title).toBe(title);
    expect(tasks[0]?.description === description).toBe(true);
    expect(tasks[0]?.notes).toEqual([]);
  });

  test('bytes that are no UTF-8 are replaced, and that is told', async () => {
    const directory = await boardOf({ projects: [project], tasks: [{ id: boardId(10), title: 'x' }] });
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.transaction(() => database.script("UPDATE tasks SET title = CAST(x'66fffe6f' AS TEXT)"));
    database.close();
    const { tasks } = await read(directory);
    expect(tasks[0]?.title).toBe('f\ufffd\ufffdo');
    expect(tasks[0]?.notes).toEqual(['Bytes that are no text were replaced by U+FFFD.']);
  });

  test.each([
    ['a title that is a blob', "title = x'00'", 'its title is no text (blob)'],
    ['a description that is a blob', "description = x'00'", 'its description is no text (blob)'],
    [
      'a description of 5 MB',
      "description = printf('%.5000000c', 'x')",
      'its description is longer than 4 MB',
    ],
    ['a title of 1 MB', "title = printf('%.1000000c', 'x')", 'its title is longer than 64 KB'],
    ['an id of three bytes', "id = x'010203'", 'its id is not a UUID'],
    ['a project that is text', "project_id = 'mine'", 'the id of its project is not a UUID'],
    ['a status of its own', "status = 'later'", 'its status "later" is none that boards have'],
  ])('%s is told, and the next row is read', async (_what, change, reason) => {
    const directory = await boardOf({
      projects: [project],
      tasks: [
        { id: boardId(10), title: 'Spoilt' },
        { id: boardId(11), title: 'Good' },
      ],
    });
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.all('PRAGMA ignore_check_constraints = ON');
    database.transaction(() => database.script(`UPDATE tasks SET ${change} WHERE title = 'Spoilt'`));
    database.close();
    const { tasks, pages } = await read(directory);
    expect(pages.flatMap(({ skipped }) => skipped).map((skip) => skip.reason)).toEqual([reason]);
    expect(tasks.map(({ title }) => title)).toEqual(['Good']);
  });

  test('any number that SQLite gives a row: each is read, once, in order', async () => {
    const rows = [
      '-9223372036854775808',
      '-9007199254740993',
      '0',
      '9007199254740993',
      '9223372036854775807',
    ];
    const directory = await boardOf({
      projects: [project],
      tasks: rows.map((title, index) => ({ id: boardId(10 + index), title })),
    });
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.transaction(() => database.script('UPDATE tasks SET rowid = CAST(title AS INTEGER)'));
    database.close();
    const reader = await BoardReader.open({ directory, name: 'board.sqlite', wasmPath });
    onTestFinished(() => reader.close());
    const pages = reader.pages();
    const page = pages.next().value;
    expect(page?.tasks.map(({ title }) => title)).toEqual(rows);
    expect(pages.next().value).toBeUndefined();
  });

  test('more rows beyond the numbers that JavaScript tells apart than go into a page', async () => {
    const count = 500;
    const directory = await boardOf({
      projects: [project],
      tasks: Array.from({ length: count }, (_, index) => ({ id: boardId(10 + index), title: String(index) })),
    });
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.transaction(() =>
      database.script('UPDATE tasks SET rowid = 9007199254740993 + 4 * CAST(title AS INTEGER)'),
    );
    database.close();
    const reader = await BoardReader.open({ directory, name: 'board.sqlite', wasmPath });
    onTestFinished(() => reader.close());
    const titles: string[] = [];
    // A page too many is failure enough: without an end they would go on for ever.
    for (const page of take(reader.pages(), 4)) titles.push(...page.tasks.map(({ title }) => title));
    expect(titles).toEqual(Array.from({ length: count }, (_, index) => String(index)));
  });

  test('a title of spaces gets a name, an unreadable time is told', async () => {
    const { tasks } = await read(
      await boardOf({
        projects: [project],
        tasks: [{ id: boardId(10), title: ' ', createdAt: 'yesterday', updatedAt: '2025-08-02 10:11:12' }],
      }),
    );
    expect(tasks[0]).toMatchObject({ title: '(untitled)', createdAt: null });
    expect(tasks[0]?.notes).toHaveLength(2);
  });
});

describe('what is no board is refused, in words', () => {
  async function refusal(directory: string): Promise<string> {
    const error: unknown = await read(directory).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!OrchestratorError.is(error, 'bad-input')) throw new Error(`not refused: ${String(error)}`);
    return error.message;
  }

  test('a database of another program', async () => {
    const directory = await temporaryDirectory();
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.transaction(() => database.script('CREATE TABLE notes (text TEXT)'));
    database.close();
    expect(await refusal(directory)).toContain('no table "tasks"');
  });

  test('a view or a virtual table under the name of the tasks', async () => {
    for (const sql of [
      'CREATE VIEW tasks AS SELECT 1 AS id',
      'CREATE VIRTUAL TABLE tasks USING fts4(id, title)',
    ]) {
      const directory = await temporaryDirectory();
      const database = await openBoard(join(directory, 'board.sqlite'));
      database.transaction(() => database.script(sql));
      database.close();
      expect(await refusal(directory)).toContain('no board');
    }
  });

  test('a table whose rows are numbered by a column of its own', async () => {
    const directory = await temporaryDirectory();
    const database = await openBoard(join(directory, 'board.sqlite'));
    database.transaction(() =>
      database.script(
        'CREATE TABLE projects (id, name); CREATE TABLE tasks (id, project_id, title, status, RowId)',
      ),
    );
    database.close();
    expect(await refusal(directory)).toContain('a column "rowid"');
  });

  test('a file that was cut off, wherever it was cut', async () => {
    const tasks = Array.from({ length: 400 }, (_, index) => ({
      id: boardId(100 + index),
      title: `Task ${index}`,
      description: 'x'.repeat(300),
    }));
    const pages = 30;
    for (let left = 1; left < pages; left += 4) {
      const directory = await boardOf({ projects: [project], tasks });
      truncateSync(join(directory, 'board.sqlite'), left * 4096);
      expect(await refusal(directory), `${left} pages left`).toContain('damaged');
    }
  });

  test('garbage behind a good header', async () => {
    const directory = mkdtempSync(join(await temporaryDirectory(), 'garbage-'));
    writeFileSync(join(directory, 'board.sqlite'), `SQLite format 3\0${'\u0007'.repeat(8000)}`);
    expect(await refusal(directory)).toContain('damaged');
  });
});
