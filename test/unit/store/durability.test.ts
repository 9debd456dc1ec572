import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { isFull } from '../../support/faultNumbers.ts';
import { buildStore } from '../../support/storeBuild.ts';
import type { StoreBuild } from '../../support/storeBuild.ts';
import { openTestStore, queuedTask, temporaryDirectory } from '../../support/storeFixtures.ts';
import { StoreProcess } from '../../support/storeProcess.ts';

// One takes a second, most of it the start of a process; on a loaded machine 2.6 s.
const kills = isFull ? 200 : 15;
const hasSqlite = spawnSync('sqlite3', ['--version']).status === 0;

let build: StoreBuild;
beforeAll(async () => {
  build = await buildStore();
});
afterAll(() => build.remove());

/** What a program without our code sees: the copy recovers by SQLite's own means. Returns the number of audit rows. */
function rowsForTheCommandLine(directory: string, copy: string): number {
  rmSync(copy, { recursive: true, force: true });
  cpSync(directory, copy, { recursive: true, verbatimSymlinks: true });
  const journal = join(copy, 'orchestrator.db-journal');
  rmSync(journal, { force: true });
  if (existsSync(`${journal}.live`) && statSync(`${journal}.live`).size > 0)
    renameSync(`${journal}.live`, journal);
  const sql = 'PRAGMA integrity_check; SELECT max(seq) FROM orchestrator_audit';
  const { stdout } = spawnSync('sqlite3', [join(copy, 'orchestrator.db'), sql], { encoding: 'utf8' });
  const [integrity, rows] = stdout.trim().split('\n');
  expect(integrity).toBe('ok');
  return Number(rows);
}

test(`no acknowledged commit is lost and none is half done in ${kills} kill -9`, async () => {
  const directory = await temporaryDirectory();
  const copy = join(await temporaryDirectory(), 'copy');
  const task = queuedTask({ createdAt: 1_700_000_000_000 });
  let durable = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const child = new StoreProcess(build, 'commit', directory, JSON.stringify(task));
    onTestFinished(() => child.kill());
    expect(await child.line()).toBe(`ready ${durable}`);
    // The acknowledgement that triggers the kill differs from round to round; the child is already in its next commit.
    for (let acks = 0; acks < 1 + ((kill * 7) % 11); acks++) {
      const line = await child.line();
      expect(line).toMatch(/^ack \d+$/);
      durable = Number(line?.slice('ack '.length));
    }
    await child.kill();
    // What it said and we had not read yet was said after the commit too.
    for (let line = await child.line(); line !== null; line = await child.line())
      durable = Number(line.slice('ack '.length));

    const seen = hasSqlite ? rowsForTheCommandLine(directory, copy) : null;
    const store = await openTestStore(directory);
    const state = store.load();
    expect(state.lastSeq === durable || state.lastSeq === durable + 2).toBe(true);
    if (seen !== null) expect(seen).toBe(state.lastSeq);
    expect(state.tasks.map(({ retries }) => retries)).toEqual([state.lastSeq]);
    expect(state.allocation.generation).toBe(state.lastSeq);
    expect(state.effects.map(({ key }) => key)).toEqual([`clean-up:${state.lastSeq}`]);
    expect(store.verifyAudit()).toEqual({ ok: true, rows: state.lastSeq, firstBadRow: null });
    store.close();
    durable = state.lastSeq;
  }
}, 900_000);
