import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { acquireWriterLock, connectToHolder } from '../../../src/engine/store/writerLock.ts';
import { buildStore } from '../../support/storeBuild.ts';
import type { StoreBuild } from '../../support/storeBuild.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { StoreProcess } from '../../support/storeProcess.ts';

let build: StoreBuild;
beforeAll(async () => {
  build = await buildStore();
});
afterAll(() => build.remove());

async function refusal(directory: string): Promise<OrchestratorError> {
  const error = await acquireWriterLock(directory, 'second').then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!OrchestratorError.is(error, 'environment')) throw new Error(`not refused: ${String(error)}`);
  return error;
}

test('a second process is told who holds the storage, and gets it when the holder is killed', async () => {
  const directory = await temporaryDirectory();
  const child = new StoreProcess(build, 'hold', directory);
  onTestFinished(() => child.kill());
  expect(await child.line()).toBe('ready 0');

  const error = await refusal(directory);
  expect(error.message).toContain('the child of a test');
  expect(error.message).toContain(`process ${child.pid}`);
  expect(error.message).toContain(build.childPath);
  expect(error.remedy).toBeDefined();

  await child.kill();
  const lock = await acquireWriterLock(directory, 'second');
  await lock.release();
});

test('the same process can not hold it twice, and can take it again after the release', async () => {
  const directory = await temporaryDirectory();
  const first = await acquireWriterLock(directory, 'first');
  expect((await refusal(directory)).message).toContain(`first (process ${process.pid}`);
  await first.release();
  const second = await acquireWriterLock(directory, 'second');
  await second.release();
});

test('two storages do not disturb each other', async () => {
  const first = await acquireWriterLock(await temporaryDirectory(), 'first');
  const second = await acquireWriterLock(await temporaryDirectory(), 'second');
  await Promise.all([first.release(), second.release()]);
});

test('of many that come at once to a new folder, one gets it', async () => {
  const directory = await temporaryDirectory();
  const children = Array.from({ length: 4 }, () => new StoreProcess(build, 'hold', directory));
  onTestFinished(async () => {
    await Promise.all(children.map((child) => child.kill()));
  });
  const lines = await Promise.all(children.map((child) => child.line()));
  expect(lines.filter((line) => line === 'ready 0')).toHaveLength(1);
  expect(lines.filter((line) => line?.includes('is in use by') === true)).toHaveLength(3);
});

test.each([
  ['is missing', null],
  ['is cut off', '{"pid":'],
  ['names a process that is gone', JSON.stringify({ pid: 2 ** 30, holder: 'ghost', command: 'ghost' })],
])('the refusal makes nobody up when the owner record %s', async (_name, record) => {
  const directory = await temporaryDirectory();
  const lock = await acquireWriterLock(directory, 'first');
  writeFileSync(join(directory, 'orchestrator.db.owner'), record ?? '');
  expect((await refusal(directory)).message).toContain('in use by another process.');
  await lock.release();
});

test('a record that names a process of this boot, which has the number of a holder of another, holds nobody up', async () => {
  const directory = await temporaryDirectory();
  const first = await acquireWriterLock(directory, 'first');
  await first.release();
  const ghost = { pid: process.ppid, holder: 'an engine of yesterday', command: 'orchestrator run' };
  writeFileSync(join(directory, 'orchestrator.db.owner'), JSON.stringify(ghost));
  const lock = await acquireWriterLock(directory, 'second');
  expect((await refusal(directory)).message).toContain(`second (process ${process.pid}`);
  await lock.release();
});

test('a damaged id file is refused with what to do', async () => {
  const directory = await temporaryDirectory();
  writeFileSync(join(directory, 'orchestrator.db.id'), 'short');
  expect((await refusal(directory)).message).toContain('damaged');
});

describe('whoever connects', () => {
  test('reaches the holder, and is cut off by the release', async () => {
    const directory = await temporaryDirectory();
    const lock = await acquireWriterLock(directory, 'first', (socket) => socket.write('hello'));
    const socket = await connectToHolder(directory);
    if (socket === null) throw new Error('nobody listens');
    const [greeting] = await once(socket, 'data');
    expect(String(greeting)).toBe('hello');
    const cutOff = once(socket, 'close');
    await lock.release();
    await cutOff;
    expect(await connectToHolder(directory)).toBeNull();
  });

  test('finds nobody where there never was a storage, and makes none', async () => {
    const directory = join(await temporaryDirectory(), 'absent');
    expect(await connectToHolder(directory)).toBeNull();
    expect(existsSync(directory)).toBe(false);
  });

  test('finds nobody after the holder was killed', async () => {
    const directory = await temporaryDirectory();
    const child = new StoreProcess(build, 'hold', directory);
    onTestFinished(() => child.kill());
    await child.line();
    const socket = await connectToHolder(directory);
    socket?.destroy();
    expect(socket).not.toBeNull();
    await child.kill();
    expect(await connectToHolder(directory)).toBeNull();
  });
});
