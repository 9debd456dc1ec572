import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WriteRun } from '../../../src/engine/store/sqljs/writeRun.ts';
import { CountingFileIo, FailingFileIo, ShortWritingFileIo } from '../../support/storeFileIo.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function openFile(): Promise<{ readonly fd: number; content(): string }> {
  const path = join(await temporaryDirectory(), 'file');
  const fd = openSync(path, 'w+');
  onTestFinished(() => closeSync(fd));
  return { fd, content: () => readFileSync(path, 'latin1') };
}

test('writes that follow each other become one; one that goes elsewhere flushes them first', async () => {
  const { fd, content } = await openFile();
  const io = new CountingFileIo();
  const run = new WriteRun(io);
  run.add(fd, bytes('--one'), 2, 3, 0);
  run.add(fd, bytes('two'), 0, 3, 3);
  expect(content()).toBe('');
  run.add(fd, bytes('ONE'), 0, 3, 0);
  expect(content()).toBe('onetwo');
  run.flush();
  run.flush();
  expect(content()).toBe('ONEtwo');
  expect(io.writes).toBe(2);
});

test('what follows in another file is another run', async () => {
  const [first, second] = [await openFile(), await openFile()];
  const run = new WriteRun(new CountingFileIo());
  run.add(first.fd, bytes('abc'), 0, 3, 0);
  run.add(second.fd, bytes('def'), 0, 3, 3);
  run.flush();
  expect(first.content()).toBe('abc');
  expect(second.content()).toBe('\0\0\0def');
});

test('the bytes are those of the call, whatever becomes of its buffer', async () => {
  const { fd, content } = await openFile();
  const run = new WriteRun(new CountingFileIo());
  const buffer = bytes('old');
  run.add(fd, buffer, 0, 3, 0);
  buffer.set(bytes('new'));
  run.flush();
  expect(content()).toBe('old');
});

test.each([1, 4096, 65_536, 70_000])('a long run of pieces of %i bytes arrives whole', async (size) => {
  const { fd, content } = await openFile();
  const run = new WriteRun(new ShortWritingFileIo());
  const whole = Array.from({ length: 5 }, (_, index) => String(index).repeat(size)).join('');
  for (let at = 0; at < whole.length; at += size) run.add(fd, bytes(whole.slice(at, at + size)), 0, size, at);
  run.flush();
  expect(content()).toBe(whole);
});

test('what the disk refused is not tried again', async () => {
  const { fd } = await openFile();
  const io = new FailingFileIo();
  const run = new WriteRun(io);
  run.add(fd, bytes('abc'), 0, 3, 0);
  io.fail('write', 'ENOSPC');
  expect(() => run.flush()).toThrow('ENOSPC');
  io.fail('write', 'ENOSPC');
  run.flush();
  expect(io.fired).toBe(1);
});
