import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFiles } from '../../../src/engine/process/runDirectory.ts';
import { GitRepository } from '../../support/gitRepository.ts';
import { StagedTask } from '../../support/stagedTask.ts';

const run = promisify(execFile);

const well = JSON.stringify({ code: 0, signal: null, reason: 'exited' });
const badly = JSON.stringify({ code: 1, signal: null, reason: 'exited' });

let repository: GitRepository;
let task: StagedTask;
let times: number;

beforeEach(async () => {
  repository = await GitRepository.create();
  task = new StagedTask(repository, { setupCommand: 'npm ci' });
  times = 0;
});

afterEach(async () => {
  await repository.remove();
});

const prepare = () =>
  task.prepare(async () => {
    times += 1;
  });

async function plant(attempt: number, file: string, text: string): Promise<void> {
  await mkdir(task.setupDirectory(attempt), { recursive: true });
  await writeFile(join(task.setupDirectory(attempt), file), text);
}

test('runs once, however often the task is prepared', async () => {
  await prepare();
  await prepare();
  expect(times).toBe(1);
});

test('runs though records of one that went well lie there already', async () => {
  await plant(1, runFiles.launch, '{}');
  await plant(1, runFiles.exit, well);
  await prepare();
  expect(times).toBe(1);
  expect(await readFile(join(`${task.setupDirectory(1)}.planted-1`, runFiles.exit), 'utf8')).toBe(well);
});

test('that failed is run again, though records of a next try that went well lie there already', async () => {
  task.exitCode = 3;
  await expect(prepare()).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringContaining('exited with 3'),
  });
  await plant(2, runFiles.launch, '{}');
  await plant(2, runFiles.exit, well);
  task.exitCode = 0;
  await prepare();
  await prepare();
  expect(times).toBe(2);
});

test.each([
  ['of one that failed', `printf '%s' '${badly}' >"$1"`],
  ['that cannot be read', 'echo nonsense >"$1"'],
  ['that is a pipe, which nobody writes to', 'rm -f "$1"; mkfifo "$1"'],
])('that went well is not run again for a record %s', async (_what, script) => {
  await prepare();
  await run('sh', ['-ec', script, 'sh', join(task.setupDirectory(1), runFiles.exit)]);
  await prepare();
  expect(times).toBe(1);
});

test('that was lost with its engine is run again, and the lost one is not asked for again', async () => {
  task.exitCode = null;
  await expect(prepare()).rejects.toMatchObject({ code: 'environment' });
  await rm(task.setupDirectory(1), { recursive: true });
  task.exitCode = 0;
  await prepare();
  expect(times).toBe(2);
});
