import { lstatSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type { Store } from '../../../src/engine/ports/store.ts';
import { openStore } from '../../../src/engine/store/workerStore.ts';
import { buildStore } from '../../support/storeBuild.ts';
import type { StoreBuild } from '../../support/storeBuild.ts';
import {
  bundleOf,
  openRawDatabase,
  openTestStore,
  queuedTask,
  runningTask,
  temporaryDirectory,
  transitionOf,
  wasmPath,
} from '../../support/storeFixtures.ts';

let build: StoreBuild;
beforeAll(async () => {
  build = await buildStore();
});
afterAll(() => build.remove());

async function open(directory: string, workerPath = build.workerPath): Promise<Store> {
  const store = await openStore({
    directory,
    workerPath,
    wasmPath,
    repositoryPath: '/repository',
    projectName: 'Repository',
    holder: 'a test',
  });
  onTestFinished(() => store.close());
  return store;
}

describe('the store in its thread', () => {
  test('answers every operation as the store in this thread does', async () => {
    const here = await openTestStore(await temporaryDirectory());
    const there = await open(await temporaryDirectory());
    const task = runningTask();
    const other = queuedTask({ createdAt: 5 });
    const bundle = bundleOf(task.id, '{"größe":1}');
    const transitions = [
      transitionOf(task, { bundles: [bundle], effects: [{ type: 'clean-up', key: 'k', taskId: task.id }] }),
      transitionOf(other),
    ];
    for (const transition of transitions)
      expect(await there.commit(transition)).toEqual(here.commit(transition));
    expect(await there.load()).toEqual(here.load());
    expect(await there.task(task.id)).toEqual(here.task(task.id));
    expect(await there.task(queuedTask().id)).toBeNull();
    expect(await there.taskIdsWithPrefix(task.id.slice(0, 11), 5)).toEqual([task.id]);
    expect(await there.tasks({ limit: 1, offset: 1 })).toEqual([other]);
    expect(await there.bundle(bundle.digest)).toEqual(here.bundle(bundle.digest));
    expect(await there.bundles(task.id)).toEqual(here.bundles(task.id));
    expect(await there.audit({ after: 1, limit: 5 })).toEqual(here.audit({ after: 1, limit: 5 }));
    expect(await there.verifyAudit()).toEqual(here.verifyAudit());
  });

  test('passes errors on: what was refused, and that it goes on', async () => {
    const directory = await temporaryDirectory();
    const store = await open(directory);
    const task = queuedTask();
    const wrong = { ...bundleOf(task.id, 'body'), body: 'another body' };
    await expect(store.commit(transitionOf(task, { bundles: [wrong] }))).rejects.toThrow('digest');
    await store.commit(transitionOf(task));
    await store.close();

    const database = await openRawDatabase(directory);
    database.transaction(() => database.script("UPDATE orchestrator_task SET state = '{}'"));
    database.close();
    const again = await open(directory);
    await expect(again.load()).rejects.toSatisfy(
      (error) =>
        OrchestratorError.is(error, 'environment') &&
        error.remedy !== undefined &&
        error.message.includes(task.id),
    );
  });

  test('commits in the order of the calls, and finishes what was asked before it closes', async () => {
    const directory = await temporaryDirectory();
    const store = await open(directory);
    const task = queuedTask();
    const commits = [1, 2, 3].map((retries) => store.commit(transitionOf({ ...task, retries })));
    await store.close();
    expect((await Promise.all(commits)).map(([row]) => row?.seq)).toEqual([1, 2, 3]);
    await expect(store.load()).rejects.toThrow();
    const again = await open(directory);
    expect((await again.task(task.id))?.retries).toBe(3);
  });
});

test.skipIf(process.platform === 'win32')(
  'a new storage is made, and only its owner may read it',
  async () => {
    const directory = join(await temporaryDirectory(), 'deep', 'storage');
    const store = await open(directory);
    await store.commit(transitionOf(queuedTask()));
    const modes = readdirSync(directory).map((name) => [name, lstatSync(join(directory, name)).mode & 0o077]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(modes.filter(([name]) => name !== 'orchestrator.db-journal')).toEqual([
      ['orchestrator.db', 0],
      ['orchestrator.db-journal.live', 0],
      ['orchestrator.db.id', 0],
      ['orchestrator.db.owner', 0],
    ]);
  },
);

describe('a storage that can not be opened', () => {
  test('is refused by name when its folder can not be made', async () => {
    const file = join(await temporaryDirectory(), 'file');
    writeFileSync(file, '');
    await expect(open(join(file, 'storage'))).rejects.toSatisfy(
      (error) => OrchestratorError.is(error, 'environment') && error.message.includes(file),
    );
  });

  test('is refused while another has it, and is free after that one closed', async () => {
    const directory = await temporaryDirectory();
    const first = await open(directory);
    await expect(open(directory)).rejects.toThrow(`in use by a test (process ${process.pid}`);
    await first.close();
    await (await open(directory)).load();
  });

  test('gives its reason and leaves no lock behind', async () => {
    const directory = await temporaryDirectory();
    writeFileSync(
      join(directory, 'orchestrator.db'),
      'this is no database, and long enough to be taken for one'.repeat(100),
    );
    for (const _attempt of [1, 2]) {
      await expect(open(directory)).rejects.toSatisfy(
        (error) => OrchestratorError.is(error, 'environment') && error.message.includes('not a database'),
      );
    }
  });

  test('gives its reason when the thread does not even start', async () => {
    const directory = await temporaryDirectory();
    for (const _attempt of [1, 2]) {
      await expect(open(directory, join(directory, 'absent.cjs'))).rejects.toThrow('thread ended');
    }
  });

  test('is refused with an unknown SQLite', async () => {
    const directory = await temporaryDirectory();
    const wasm = join(directory, 'sqlite.wasm');
    writeFileSync(wasm, 'changed');
    const options = {
      directory,
      workerPath: build.workerPath,
      repositoryPath: '/r',
      projectName: 'R',
      holder: 'a test',
    };
    await expect(openStore({ ...options, wasmPath: wasm })).rejects.toThrow('unknown checksum');
  });
});

test('the death of the thread rejects what waits and what comes after, and frees the storage', async () => {
  const directory = await temporaryDirectory();
  const workerPath = join(directory, 'dying.cjs');
  // Opens, says nothing to the first call, and dies at the second.
  writeFileSync(
    workerPath,
    `const { parentPort } = require('node:worker_threads');
     let calls = 0;
     parentPort.on('message', () => { if (++calls === 2) throw new Error('out of luck'); });
     parentPort.postMessage({ type: 'opened' });`,
  );
  const store = await open(directory, workerPath);
  const waiting = Promise.allSettled([store.load(), store.verifyAudit()]);
  for (const result of await waiting) {
    expect(result.status === 'rejected' && OrchestratorError.is(result.reason, 'environment')).toBe(true);
    expect(result.status === 'rejected' && String(result.reason)).toContain('out of luck');
  }
  await expect(store.load()).rejects.toThrow('out of luck');
  await store.close();
  await (await open(directory)).load();
});
