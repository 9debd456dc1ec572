import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type { SqlStore } from '../../../src/engine/store/sqlStore.ts';
import {
  bundleOf,
  openRawDatabase,
  openTestStore,
  queuedEvent,
  queuedTask,
  temporaryDirectory,
  transitionOf,
} from '../../support/storeFixtures.ts';
import { CountingFileIo, FailingFileIo } from '../../support/storeFileIo.ts';
import type { FailingCall } from '../../support/storeFileIo.ts';

const hasSqlite = spawnSync('sqlite3', ['--version']).status === 0;

// Each commit writes the whole task anew, with `retries` as its number: half a commit would show.
const numbered = (task: ReturnType<typeof queuedTask>, n: number): Parameters<SqlStore['commit']>[0] =>
  transitionOf({ ...task, retries: n, description: 'd'.repeat(n * 9000) });

describe('an I/O error', () => {
  test.each<[FailingCall, string]>([
    ['write', 'EIO'],
    ['write', 'ENOSPC'],
    ['fsync', 'EIO'],
    ['truncate', 'EIO'],
    ['stat', 'EIO'],
    ['read', 'EIO'],
  ])('in any %s (%s) kills the handle; a reopen finds all of the commit or nothing', async (call, code) => {
    const outcomes = new Set<string>();
    for (let n = 1; ; n++) {
      const directory = await temporaryDirectory();
      const io = new FailingFileIo();
      const store = await openTestStore(directory, io);
      const task = queuedTask();
      store.commit(numbered(task, 1));
      io.fail(call, code, n);
      let error: unknown = null;
      try {
        store.commit(numbered(task, 2));
      } catch (thrown) {
        error = thrown;
      }
      io.disarm();
      if (io.fired === 0) break;
      expect(OrchestratorError.is(error, 'environment')).toBe(true);
      // Poisoned: the disk is well again, and still nothing is written or read through this handle.
      expect(() => store.commit(numbered(task, 3))).toThrow('injected');
      expect(() => store.load()).toThrow('injected');
      store.close();

      const again = await openTestStore(directory);
      const kept = again.load().lastSeq;
      outcomes.add(kept === 2 ? 'kept' : 'gone');
      expect(again.task(task.id)?.retries).toBe(kept);
      expect(again.verifyAudit()).toEqual({ ok: true, rows: kept, firstBadRow: null });
      again.commit(numbered(task, kept + 1));
      again.close();
      const raw = await openRawDatabase(directory);
      expect(raw.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      raw.close();
    }
    expect(outcomes.size).toBeGreaterThan(0);
  });

  test('leaves the hot journal for the next open', async () => {
    const directory = await temporaryDirectory();
    const io = new FailingFileIo();
    const store = await openTestStore(directory, io);
    const task = queuedTask();
    store.commit(numbered(task, 1));
    // The journal is synced first; the second sync is that of the database.
    io.fail('fsync', 'EIO', 3);
    expect(() => store.commit(numbered(task, 2))).toThrow('injected');
    io.disarm();
    store.close();
    expect(readdirSync(directory)).toContain('orchestrator.db-journal.live');
    const again = await openTestStore(directory);
    expect(again.task(task.id)?.retries).toBe(1);
    again.close();
    expect(readdirSync(directory)).toEqual(['orchestrator.db']);
  });
});

describe('another program', () => {
  test('that writes past the guard is noticed at the next transaction; a reopen sees both', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    store.commit(transitionOf(task));
    const path = join(directory, 'orchestrator.db');
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(bytes.readUInt32BE(24) + 1, 24);
    writeFileSync(path, bytes);
    const noticed = (): unknown => store.commit(transitionOf(task));
    expect(noticed).toThrow('Another program wrote');
    expect(noticed).toThrow('Another program wrote');
    store.close();
    const again = await openTestStore(directory);
    again.commit(transitionOf(task));
    expect(again.load().lastSeq).toBe(2);
  });

  test('that puts another file in its place is noticed', async () => {
    const directory = await temporaryDirectory();
    const store = await openTestStore(directory);
    const task = queuedTask();
    store.commit(transitionOf(task));
    const path = join(directory, 'orchestrator.db');
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    expect(() => store.commit(transitionOf(task))).toThrow('Another program wrote');
  });

  test.skipIf(!hasSqlite || process.platform === 'win32')(
    'can read between commits, and can not write',
    async () => {
      const directory = await temporaryDirectory();
      const store = await openTestStore(directory);
      const task = queuedTask();
      store.commit(transitionOf(task));
      const sqlite = (sql: string): ReturnType<typeof spawnSync> =>
        spawnSync('sqlite3', [join(directory, 'orchestrator.db'), sql], { encoding: 'utf8' });
      expect(sqlite('SELECT title, status FROM tasks').stdout).toBe('Add a clock|todo\n');
      expect(sqlite("UPDATE tasks SET title = 'Mine'").status).not.toBe(0);
      expect(sqlite('VACUUM').status).not.toBe(0);
      store.commit(transitionOf({ ...task, title: 'Add two clocks' }));
      expect(sqlite('SELECT title FROM tasks').stdout).toBe('Add two clocks\n');
      store.close();
      expect(sqlite("PRAGMA integrity_check; UPDATE tasks SET title = 'Mine'").stdout).toBe('ok\n');
    },
  );
});

test('a commit asks nothing of the disk but its writes, its syncs and the two looks for foreign writes', async () => {
  const io = new CountingFileIo();
  const store = await openTestStore(await temporaryDirectory(), io);
  const task = queuedTask();
  for (const retries of [1, 2, 3]) store.commit(transitionOf({ ...task, retries }));
  io.others = [];
  store.commit(transitionOf({ ...task, retries: 4 }));
  // A look is at the change counter and the file's size and identity. The read between them is SQLite's, of what an older
  // journal may have left behind its own; the truncation is what commits.
  expect(io.others).toEqual(['read', 'stat', 'read', 'truncate', 'read', 'stat']);
});

test('a commit writes as much in a file of 60 MB as in one of 1 MB, with as many syncs', async () => {
  const directory = await temporaryDirectory();
  const io = new CountingFileIo();
  const store = await openTestStore(directory, io);
  let made = 0;
  const grow = (megabytes: number): void => {
    for (let n = 0; n < megabytes; n++) {
      const task = queuedTask({ createdAt: (made += 1) });
      const bundle = bundleOf(task.id, `"${made}${'x'.repeat(1_000_000)}"`);
      store.commit(
        transitionOf(task, {
          bundles: [bundle],
          events: Array.from({ length: 20 }, () => queuedEvent(task.id)),
        }),
      );
    }
  };
  const cost = (): { bytes: number; writes: number; syncs: number } => {
    const before = { bytes: io.bytesWritten, writes: io.writes, syncs: io.syncs };
    const task = queuedTask({ createdAt: 0 });
    for (let n = 0; n < 20; n++) store.commit(transitionOf({ ...task, retries: n }));
    return {
      bytes: io.bytesWritten - before.bytes,
      writes: io.writes - before.writes,
      syncs: io.syncs - before.syncs,
    };
  };
  grow(1);
  const small = cost();
  grow(59);
  const large = cost();
  expect(large.bytes).toBeLessThan(small.bytes * 1.5);
  expect(large.syncs).toBe(small.syncs);
  expect(small.syncs).toBe(20 * 4);
  // The journal's header, its pages, their number, and each run of pages in the file; SQLite itself makes three times as many.
  expect(small.writes).toBeLessThan(20 * 14);
}, 60_000);
