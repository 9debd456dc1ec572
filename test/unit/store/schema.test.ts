import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  openRawDatabase,
  openTestStore,
  runningTask,
  temporaryDirectory,
  transitionOf,
  bundleOf,
} from '../../support/storeFixtures.ts';

const fixture = readFileSync(new URL('../../fixtures/vibe-kanban/schema.sql', import.meta.url), 'utf8');

test('projects and tasks are those of Vibe Kanban, character by character', async () => {
  const directory = await temporaryDirectory();
  (await openTestStore(directory)).close();
  const database = await openRawDatabase(directory);
  const rows = database.all(
    `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'orchestrator!_%' ESCAPE '!' ORDER BY rowid`,
  );
  expect(rows.map(({ sql }) => `${String(sql)};\n`).join('')).toBe(fixture);
});

test('every table of ours carries the prefix', async () => {
  const directory = await temporaryDirectory();
  (await openTestStore(directory)).close();
  const database = await openRawDatabase(directory);
  const names = database
    .all("SELECT name FROM sqlite_master WHERE type = 'table'")
    .map(({ name }) => String(name));
  expect(names.filter((name) => !name.startsWith('orchestrator_')).toSorted()).toEqual(['projects', 'tasks']);
});

test.each([
  ["UPDATE orchestrator_audit SET cause = 'other'", 'append-only'],
  ['DELETE FROM orchestrator_audit', 'append-only'],
  [
    'INSERT INTO orchestrator_audit SELECT seq + 2, at, task_id, type, actor, cause, data, hash FROM orchestrator_audit',
    'no gaps',
  ],
  [
    'INSERT OR REPLACE INTO orchestrator_audit SELECT seq, 0, task_id, type, actor, cause, data, hash FROM orchestrator_audit',
    'no gaps',
  ],
  ["UPDATE orchestrator_bundle SET body = 'other'", 'never overwritten'],
  ['DELETE FROM orchestrator_bundle', 'never deleted'],
  ['UPDATE orchestrator_context SET version = 9', 'never overwritten'],
  ['DELETE FROM orchestrator_context', 'never deleted'],
  [
    "INSERT INTO orchestrator_stage_run SELECT 'other', task_id, 'qa', 1, status, outcome, input_digests, output_digest, session_id, container_port, started_at, completed_at, cost_usd FROM orchestrator_stage_run WHERE status = 'running'",
    'UNIQUE',
  ],
  [
    "INSERT INTO orchestrator_stage_run SELECT 'other', task_id, stage, attempt, 'failed', 'killed', input_digests, output_digest, session_id, container_port, started_at, 1, cost_usd FROM orchestrator_stage_run WHERE status = 'running'",
    'UNIQUE',
  ],
  ["UPDATE orchestrator_stage_run SET completed_at = 1 WHERE status = 'running'", 'CHECK'],
  ["UPDATE orchestrator_task SET phase = 'asleep'", 'CHECK'],
  ['UPDATE orchestrator_task SET final = 1', 'CHECK'],
  ["UPDATE tasks SET status = 'queued'", 'CHECK'],
])('the file refuses: %s', async (sql, reason) => {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  const task = runningTask();
  store.commit(transitionOf(task, { bundles: [bundleOf(task.id, '{}')] }));
  store.close();
  const database = await openRawDatabase(directory);
  expect(() => database.transaction(() => database.run(sql))).toThrow(reason);
});
