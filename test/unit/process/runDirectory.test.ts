import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readExitRecord, runFiles, writeExitRecord } from '../../../src/engine/process/runDirectory.ts';

const run = promisify(execFile);

let runDir: string;

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'orch-'));
});

afterEach(async () => {
  await rm(runDir, { recursive: true });
});

describe('an exit record', () => {
  const record = { code: 0, signal: null, reason: 'exited' } as const;

  it('is read as it was written, and is none before that', async () => {
    expect(await readExitRecord(runDir)).toBeNull();
    await writeExitRecord(runDir, record);
    expect(await readExitRecord(runDir)).toEqual(record);
  });

  it.each([
    ['a pipe, which nobody writes to,', 'rm "$1"; mkfifo "$1"'],
    ['a link to one', 'mv "$1" "$1.moved"; ln -s "$1.moved" "$1"'],
    ['a folder', 'rm "$1"; mkdir "$1"'],
    ['a very long file', 'truncate --size 5G "$1"'],
  ])('is none where %s took its place', async (_what, script) => {
    await writeExitRecord(runDir, record);
    await run('sh', ['-ec', script, 'sh', join(runDir, runFiles.exit)]);
    expect(await readExitRecord(runDir)).toBeNull();
  });

  it('that does not parse is an error', async () => {
    await run('sh', ['-c', 'echo nonsense >"$1"', 'sh', join(runDir, runFiles.exit)]);
    await expect(readExitRecord(runDir)).rejects.toThrow();
  });
});
