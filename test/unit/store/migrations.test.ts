import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { emptyAllocation } from '../../../src/engine/domain/allocation.ts';
import { stateOf } from '../../../src/engine/domain/state.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { migrate, migrations } from '../../../src/engine/store/migrations.ts';
import type { Database } from '../../../src/engine/store/sqljs/database.ts';
import {
  openRawDatabase,
  openTestStore,
  queuedTask,
  temporaryDirectory,
  transitionOf,
} from '../../support/storeFixtures.ts';

const name = 'orchestrator.db';
const nextStep = 'CREATE TABLE orchestrator_extra (a)';

async function existing(): Promise<string> {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  store.commit(transitionOf(queuedTask()));
  store.close();
  return directory;
}

function version(database: Database): unknown {
  return database.all('PRAGMA user_version')[0]?.['user_version'];
}

test('a new file gets the newest version, and no backup', async () => {
  const directory = await existing();
  const database = await openRawDatabase(directory);
  expect(version(database)).toBe(migrations.length);
  expect(readdirSync(directory).filter((file) => file.includes('backup'))).toEqual([]);
});

test('an older file is backed up whole before the step', async () => {
  const directory = await existing();
  const database = await openRawDatabase(directory);
  migrate(database, name, [...migrations, nextStep]);
  expect(version(database)).toBe(migrations.length + 1);
  const backup = await openRawDatabase(directory, `${name}.v${migrations.length}.backup`);
  expect(version(backup)).toBe(migrations.length);
  expect(backup.all('SELECT count(*) AS n FROM orchestrator_audit')).toEqual([{ n: 1 }]);
  expect(backup.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
});

test('a file that also wrote down who waits opens with those who do, in the same order', async () => {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  const [late, early] = [queuedTask({ createdAt: 2 }), queuedTask({ createdAt: 1 })];
  const urgent = queuedTask({ createdAt: 3, priority: 9 });
  const allocation = { ...emptyAllocation, generation: 7 };
  for (const task of [late, early, urgent]) store.commit(transitionOf(task, { allocation }));
  store.close();
  const older = await openRawDatabase(directory);
  const entries = JSON.stringify([{ taskId: urgent.id, priority: 9, createdAt: 3 }]);
  older.transaction(() => {
    older.run("UPDATE orchestrator_meta SET value = json_set(value, '$.queue', json(?))", [entries]);
    older.script('PRAGMA user_version = 1');
  });
  older.close();
  const loaded = (await openTestStore(directory)).load();
  expect(loaded.allocation).toEqual(allocation);
  const { queue } = stateOf(loaded.tasks, loaded.allocation);
  expect(queue.map(({ taskId }) => taskId)).toEqual([urgent.id, early.id, late.id]);
  expect(version(await openRawDatabase(directory, `${name}.v1.backup`))).toBe(1);
});

test('a step that fails leaves nothing, and can be tried again', async () => {
  const directory = await existing();
  const database = await openRawDatabase(directory);
  expect(() =>
    migrate(database, name, [...migrations, `${nextStep}; INSERT INTO nowhere VALUES (1)`]),
  ).toThrow('nowhere');
  expect(version(database)).toBe(migrations.length);
  expect(database.all("SELECT 1 FROM sqlite_master WHERE name = 'orchestrator_extra'")).toEqual([]);
  migrate(database, name, [...migrations, nextStep]);
  expect(version(database)).toBe(migrations.length + 1);
});

test('a file of a newer release is refused and left as it was', async () => {
  const directory = await existing();
  const database = await openRawDatabase(directory);
  database.transaction(() => database.script('PRAGMA user_version = 99'));
  database.close();
  const opening = openTestStore(directory);
  await expect(opening).rejects.toThrow(/newer Orchestrator Manager .*99/);
  await expect(opening).rejects.toSatisfy(
    (error) => OrchestratorError.is(error, 'environment') && error.remedy !== undefined,
  );
  expect(version(await openRawDatabase(directory))).toBe(99);
});

test('a database of another program is refused', async () => {
  const directory = await temporaryDirectory();
  const database = await openRawDatabase(directory);
  database.transaction(() => database.script('CREATE TABLE tasks (id)'));
  database.close();
  await expect(openTestStore(directory)).rejects.toThrow('another program');
});
