import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OrchestratorError } from '../../src/engine/ports/errors.ts';
import type { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { acquireWriterLock } from '../../src/engine/store/writerLock.ts';
import { isFull } from '../support/faultNumbers.ts';
import { Scene } from '../support/scene.ts';
import {
  bundleOf,
  openRawDatabase,
  openTestStore,
  queuedTask,
  temporaryDirectory,
  transitionOf,
} from '../support/storeFixtures.ts';
import type { Failing, FailingCall } from '../support/storeFileIo.ts';
import { FailingFileIo, ShortWritingFileIo } from '../support/storeFileIo.ts';

const fileName = 'orchestrator.db';
const task = queuedTask({ title: 'The one that is known' });
const bundle = bundleOf(task.id, JSON.stringify({ text: 'z'.repeat(20_000) }));

/** All that the store answers. */
function everything(store: SqlStore): object {
  return {
    state: store.load(),
    tasks: store.tasks({ limit: 100, offset: 0 }),
    audit: store.audit({ after: 0, limit: 1_000 }),
    verdict: store.verifyAudit(),
    bundle: store.bundle(bundle.digest),
  };
}

/** A closed storage with a task, a bundle and some history, and what it answers. */
async function storage(): Promise<{ directory: string; file: string; answers: object }> {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  store.commit(transitionOf(task, { bundles: [bundle] }));
  for (let retries = 1; retries <= 30; retries += 1) store.commit(transitionOf({ ...task, retries }));
  const answers = everything(store);
  store.close();
  return { directory, file: join(directory, fileName), answers };
}

/** What is answered now; the error's name and words when it refuses. Anything but a named error is a defect. */
async function ask(directory: string): Promise<{ answers: object } | { refusal: string }> {
  let store: SqlStore | null = null;
  try {
    store = await openTestStore(directory);
    return { answers: everything(store) };
  } catch (error) {
    if (!OrchestratorError.is(error, 'environment')) throw error;
    expect(error.remedy).toBeDefined();
    return { refusal: error.message };
  } finally {
    store?.close();
  }
}

describe('a damaged file', () => {
  test('whose header is gone is refused by name, and left as it is', async () => {
    const { directory, file } = await storage();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 0, 16);
    writeFileSync(file, bytes);
    expect(await ask(directory)).toEqual({ refusal: expect.stringContaining('not a database') });
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test.each([
    ['overwritten with 0xff', (page: Buffer) => page.fill(0xff)],
    ['overwritten with zeros', (page: Buffer) => page.fill(0)],
    ['half old, half torn', (page: Buffer) => page.fill(0x5a, page.length / 2)],
  ])('a page %s: what is answered is what was, or the trail says that it is not', async (_name, harm) => {
    const { directory, file, answers } = await storage();
    const whole = readFileSync(file);
    const pageSize = whole.readUInt16BE(16);
    const pages = whole.length / pageSize;
    let refused = 0;
    // The first page holds the schema; every other one is tried in the full numbers.
    for (let page = 0; page < pages; page += isFull ? 1 : 3) {
      const bytes = Buffer.from(whole);
      harm(bytes.subarray(page * pageSize, (page + 1) * pageSize));
      writeFileSync(file, bytes);
      const found = await ask(directory);
      if ('refusal' in found) refused += 1;
      else expectNoLie(found.answers, answers, page);
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('a file cut short is refused, wherever it is cut', async () => {
    const { directory, file } = await storage();
    const whole = join(directory, 'whole');
    copyFileSync(file, whole);
    const { length } = readFileSync(whole);
    for (const left of [100, 4_096, length - 4_096, length - 1]) {
      copyFileSync(whole, file);
      truncateSync(file, left);
      expect(await ask(directory), `${left} of ${length} bytes`).toHaveProperty('refusal');
    }
  });

  test('is found by the doctor, with what can be done about it', async () => {
    const scene = await Scene.make('process', []);
    await scene.done(scene.task('add', 'Slug it'), 0);
    const found = async () => {
      const host = scene.host('doctor');
      await host.ended;
      return host.lines.find((line) => line['name'] === 'storage');
    };
    expect(await found()).toMatchObject({ ok: true });

    await rewriteSchema(scene.storage, 'orchestrator_audit_task', '(task_id, seq)', '(type, seq)');
    const file = join(scene.storage, fileName);
    expect(await found()).toMatchObject({
      ok: false,
      detail: expect.stringContaining('missing from index orchestrator_audit_task'),
      remedy: expect.stringContaining(`sqlite3 "${file}" REINDEX`),
    });
    execFileSync('sqlite3', [file, 'REINDEX']);
    expect(await found()).toMatchObject({ ok: true });

    const bytes = readFileSync(file);
    bytes.fill(0xff, bytes.readUInt16BE(16));
    writeFileSync(file, bytes);
    expect(await found()).toMatchObject({ ok: false, remedy: expect.stringContaining('.recover') });
  });
});

/** Makes the file tell another story about itself than it was written by, as damage does. */
async function rewriteSchema(directory: string, name: string, from: string, to: string): Promise<void> {
  const raw = await openRawDatabase(directory);
  raw.transaction(() => {
    raw.script('PRAGMA writable_schema = ON');
    raw.run('UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ?', [from, to, name]);
  });
  raw.close();
}

/** Never a changed past: the trail either verifies and is what it was, or says which row does not fit. */
function expectNoLie(found: object, before: object, page: number): void {
  const { verdict, ...answers } = found as { verdict: { ok: boolean } };
  const { verdict: _verdict, ...known } = before as { verdict: unknown };
  if (verdict.ok) expect(answers, `page ${page}`).toEqual(known);
}

describe('a disk that fails while the storage is opened after a crash', () => {
  const faults: readonly (readonly [FailingCall, string])[] = [
    ['open', 'EACCES'],
    ['read', 'EIO'],
    ['write', 'EIO'],
    ['write', 'ENOSPC'],
    ['fsync', 'EIO'],
    ['truncate', 'EIO'],
  ];
  const modes: readonly Failing[] = isFull ? ['once', 'from then on'] : ['from then on'];

  test.each(faults.flatMap(([call, code]) => modes.map((failing) => [call, code, failing] as const)))(
    '%s (%s, %s): the next open finds what was committed before',
    async (call, code, failing) => {
      const { directory: origin, answers } = await storage();
      for (let n = 1; ; n += 1) {
        const directory = await temporaryDirectory();
        copyFileSync(join(origin, fileName), join(directory, fileName));
        await crash(directory);
        const io = new FailingFileIo();
        io.fail(call, code, n, failing);
        await openTestStore(directory, io).then(
          (store) => store.close(),
          (error: unknown) => {
            if (!OrchestratorError.is(error, 'environment')) throw error;
          },
        );
        io.disarm();
        expect(await ask(directory)).toEqual({ answers });
        if (io.fired === 0) break;
      }
    },
  );
});

/** Leaves a hot journal behind, as a process that dies in the middle of a commit does. */
async function crash(directory: string): Promise<void> {
  const io = new FailingFileIo();
  const store = await openTestStore(directory, io);
  // The journal is synced first; the third sync is that of the database.
  io.fail('fsync', 'EIO', 3);
  expect(() => store.commit(transitionOf({ ...task, retries: 99 }))).toThrow('injected');
  store.close();
  expect(readdirSync(directory)).toContain('orchestrator.db-journal.live');
}

test('writes that the disk takes only in part, without an error, are completed', async () => {
  const directory = await temporaryDirectory();
  const io = new ShortWritingFileIo();
  const store = await openTestStore(directory, io);
  for (let retries = 0; retries < 5; retries += 1) store.commit(transitionOf({ ...task, retries }));
  const before = everything(store);
  store.close();
  expect(io.cut).toBeGreaterThan(0);
  expect(await ask(directory)).toEqual({ answers: before });
});

test('what an engine of another boot left behind holds nobody up', async () => {
  const { directory, answers } = await storage();
  await crash(directory);
  const ghost = { pid: 2 ** 22 - 1, holder: 'an engine of yesterday', command: 'orchestrator run' };
  writeFileSync(join(directory, 'orchestrator.db.owner'), JSON.stringify(ghost));
  writeFileSync(join(directory, `orchestrator.db.owner.${ghost.pid}`), '{"pid":');
  writeFileSync(join(directory, 'orchestrator.db.check'), 'half a check');
  writeFileSync(join(directory, 'orchestrator.db.v0.backup.partial'), 'half a backup');
  const lock = await acquireWriterLock(directory, 'an engine of today');
  onTestFinished(() => lock.release());
  expect(await ask(directory)).toEqual({ answers });
});

test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
  'a folder that has become read-only is refused by name, and nothing in it is changed',
  async () => {
    const { directory: origin } = await storage();
    const folder = join(await temporaryDirectory(), 'storage');
    mkdirSync(folder);
    copyFileSync(join(origin, fileName), join(folder, fileName));
    execFileSync('mount', ['--bind', folder, folder]);
    onTestFinished(() => void execFileSync('umount', [folder]));
    execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
    await expect(acquireWriterLock(folder, 'a test')).rejects.toSatisfy(
      (error) =>
        OrchestratorError.is(error, 'environment') &&
        error.message.includes(folder) &&
        error.message.includes('EROFS') &&
        error.remedy !== undefined,
    );
    expect(await ask(folder)).toEqual({ refusal: expect.stringMatching(/EROFS|read-only/) });
    expect(readdirSync(folder)).toEqual([fileName]);
  },
);
