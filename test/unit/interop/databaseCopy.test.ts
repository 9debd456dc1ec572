import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BoardReader } from '../../../src/engine/interop/vibeKanban/boardReader.ts';
import { copyDatabase } from '../../../src/engine/interop/vibeKanban/databaseCopy.ts';
import { findVibeKanbanDatabases } from '../../../src/engine/interop/vibeKanban/findDatabases.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { temporaryDirectory, wasmPath } from '../../support/storeFixtures.ts';
import { BoardHolder, boardId, makeBoard } from '../../support/vibeKanbanBoard.ts';

const project = { id: boardId(1), name: 'Clock', path: '/projects/clock' };
const tasks = Array.from({ length: 50 }, (_, index) => ({
  id: boardId(100 + index),
  title: `Task ${index}`,
}));

/** A folder as Vibe Kanban has it, with a board in it. */
async function board(): Promise<{ folder: string; path: string }> {
  const folder = join(await temporaryDirectory(), 'vibe-kanban');
  mkdirSync(folder);
  const path = join(folder, 'db.sqlite');
  await makeBoard(path, { projects: [project], tasks });
  return { folder, path };
}

/** Titles that the import would read. */
async function titlesIn(path: string): Promise<readonly string[]> {
  const copy = await copyDatabase(path);
  onTestFinished(() => copy.remove());
  const reader = await BoardReader.open({ directory: copy.directory, name: copy.name, wasmPath });
  try {
    return [...reader.pages()].flatMap((page) => page.tasks.map(({ title }) => title));
  } finally {
    reader.close();
  }
}

/** Everything about a folder that writing to it would change. */
function fingerprintOf(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => {
      const { mtimeNs, ctimeNs, size, ino } = statSync(join(folder, name), { bigint: true });
      const bytes = createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
      return [name, mtimeNs, ctimeNs, size, ino, bytes];
    });
}

async function refusal(path: string): Promise<string> {
  const error: unknown = await titlesIn(path).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!OrchestratorError.is(error, 'bad-input')) throw new Error(`not refused: ${String(error)}`);
  return error.message;
}

describe('a board in use', () => {
  test('in WAL mode is read with what another process committed and did not checkpoint', async () => {
    const { folder, path } = await board();
    const holder = new BoardHolder(path);
    await holder.run('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
    await holder.run("UPDATE tasks SET title = 'From the log' WHERE title = 'Task 0'");
    await holder.run("BEGIN; UPDATE tasks SET title = 'Not committed' WHERE title = 'Task 1'");
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    expect(readFileSync(path).includes('From the log')).toBe(false);
    const before = fingerprintOf(folder);
    const titles = await titlesIn(path);
    expect(titles).toContain('From the log');
    expect(titles).toContain('Task 1');
    expect(titles).toHaveLength(50);
    expect(fingerprintOf(folder)).toEqual(before);
  });

  test('whose log was torn by a power cut is read up to the last whole transaction', async () => {
    const { path } = await board();
    const holder = new BoardHolder(path);
    await holder.run('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
    await holder.run("UPDATE tasks SET title = 'Whole' WHERE title = 'Task 0'");
    const whole = statSync(`${path}-wal`).size;
    await holder.run("UPDATE tasks SET title = 'Torn' WHERE title = 'Task 1'");
    await holder.kill();
    truncateSync(`${path}-wal`, whole + 1000);
    const titles = await titlesIn(path);
    expect(titles).toContain('Whole');
    expect(titles).not.toContain('Torn');
  });

  test('in the middle of a transaction is read as it was before it', async () => {
    const { folder, path } = await board();
    const holder = new BoardHolder(path);
    // Spilt to the file before the commit: without the journal a reader would see it.
    await holder.run('PRAGMA cache_size=2; PRAGMA cache_spill=1');
    await holder.run("BEGIN; UPDATE tasks SET title = 'Half done ' || printf('%.3000c', 'x')");
    expect(readFileSync(path).includes('Half done')).toBe(true);
    const before = fingerprintOf(folder);
    const titles = await titlesIn(path);
    expect(titles).toEqual(tasks.map(({ title }) => title));
    expect(fingerprintOf(folder)).toEqual(before);
  });

  test('that is written to all the time is copied between two writes, or refused, but never torn', async () => {
    const { path } = await board();
    const holder = new BoardHolder(path);
    let isOver = false;
    const writing = (async () => {
      for (let round = 1; !isOver; round += 1) await holder.run(`UPDATE tasks SET title = 'Round ${round}'`);
    })();
    try {
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const titles = await titlesIn(path).catch((error: unknown) => {
          expect(OrchestratorError.is(error, 'environment')).toBe(true);
          return [];
        });
        expect(new Set(titles.filter((title) => title.startsWith('Round'))).size).toBeLessThanOrEqual(1);
      }
    } finally {
      isOver = true;
      await writing;
    }
  });
});

describe('what is given instead of a board', () => {
  test('a link to one is followed, with the log beside the file itself', async () => {
    const { path } = await board();
    const holder = new BoardHolder(path);
    await holder.run('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
    await holder.run("UPDATE tasks SET title = 'From the log' WHERE title = 'Task 0'");
    const link = join(await temporaryDirectory(), 'link.sqlite');
    symlinkSync(path, link);
    expect(await titlesIn(link)).toContain('From the log');
  });

  test('a link in the place of its log is not followed', async () => {
    const { path } = await board();
    const secret = join(await temporaryDirectory(), 'secret');
    writeFileSync(secret, 'not for anyone');
    symlinkSync(secret, `${path}-wal`);
    expect(await refusal(path)).toContain('db.sqlite-wal is not a file');
  });

  test('nothing, a folder, a text, an empty file', async () => {
    const { folder, path } = await board();
    const other = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    expect(await refusal(join(folder, 'nowhere.sqlite'))).toContain('There is no database');
    expect(await refusal(folder)).toContain('is not a file');
    expect(await refusal(other('text', 'Once upon a time there was a board.'))).toContain('not an SQLite');
    expect(await refusal(other('empty', ''))).toContain('not an SQLite');
    rmSync(path);
    symlinkSync(path, path);
    expect(await refusal(path)).toContain('There is no database');
  });

  test('its copy is gone afterwards', async () => {
    const { path } = await board();
    const copy = await copyDatabase(path);
    expect(existsSync(join(copy.directory, copy.name))).toBe(true);
    await copy.remove();
    expect(existsSync(copy.directory)).toBe(false);
  });
});

test.each([
  ['linux', {}, ['.local/share/vibe-kanban']],
  ['linux', { XDG_DATA_HOME: 'HOME/xdg' }, ['xdg/vibe-kanban']],
  ['darwin', {}, ['Library/Application Support/ai.bloop.vibe-kanban']],
  ['win32', { APPDATA: 'HOME/Roaming' }, ['Roaming/bloop/vibe-kanban/data', 'Roaming/bloop/vibe-kanban']],
] as const)(
  'on %s with %j its databases are found, the newer first',
  async (platform, variables, folders) => {
    const home = await temporaryDirectory();
    const environment = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, value.replace('HOME', home)]),
    );
    const system = { platform, home, environment };
    expect(await findVibeKanbanDatabases(system)).toEqual([]);
    const expected = folders.flatMap((folder) => {
      mkdirSync(join(home, folder), { recursive: true });
      const paths = ['db.v2.sqlite', 'db.sqlite'].map((name) => join(home, folder, name));
      for (const path of paths) writeFileSync(path, '');
      return paths;
    });
    expect(await findVibeKanbanDatabases(system)).toEqual(expected);
  },
);
