import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { expect } from 'vitest';
import type { HostProcess } from './hostProcess.ts';
import { answersSoFar, sessionOf } from './messagesRequest.ts';
import type { Scene } from './scene.ts';

const run = promisify(execFile);

const auditLine = v.looseObject({ seq: v.number(), type: v.string() });
const streamLine = v.looseObject({ type: v.string(), uuid: v.optional(v.string()) });

/** Every event that these hosts told of, which they do once it is durable, is on record as it was told. */
export async function expectAllOnRecord(scene: Scene, hosts: readonly HostProcess[]): Promise<void> {
  const file = join(scene.folder, 'audit.jsonl');
  await scene.done(scene.host('audit', '--export', file), 0);
  const recorded = linesOf(await readFile(file, 'utf8')).map((line) => v.parse(auditLine, JSON.parse(line)));
  expect(recorded.map(({ seq }) => seq)).toEqual(recorded.map((_row, index) => index + 1));
  for (const { lines } of hosts) {
    for (const line of lines) {
      const { seq } = line;
      if (typeof seq === 'number') expect(recorded[seq - 1]).toMatchObject({ ...line });
    }
  }
  const [verdict] = (await scene.done(scene.host('audit', '--verify'), 0)).lines;
  expect(verdict).toEqual({ ok: true, rows: recorded.length, first_bad_row: null });
  expect(await integrity(scene)).toBe('ok\n');
}

/** SQLite's own word on the file, once no engine has it open. */
async function integrity(scene: Scene): Promise<string> {
  const file = join(scene.storage, 'orchestrator.db');
  return (await run('sqlite3', [file, 'PRAGMA integrity_check'])).stdout;
}

/** No run asked the model the same thing twice. */
export function expectAskedOnce(scene: Scene): void {
  const asked = scene.api.conversation.map(
    (request) => `${sessionOf(request)}, after ${answersSoFar(request)} answers`,
  );
  expect(asked.filter((each, index) => asked.indexOf(each) !== index)).toEqual([]);
}

/** Each run's output has every line once: none lost in the middle, none doubled; a run that was killed may end in half a line. */
export async function expectOutputWhole(scene: Scene): Promise<void> {
  const files = await readdir(join(scene.storage, 'runs'), { recursive: true });
  for (const file of files.filter((name) => name.endsWith('stdout.jsonl') && !name.includes('tests'))) {
    const text = await readFile(join(scene.storage, 'runs', file), 'utf8');
    const complete = text.slice(0, text.lastIndexOf('\n') + 1);
    const lines = linesOf(complete).map((line) => v.parse(streamLine, JSON.parse(line)));
    const ids = lines.flatMap(({ uuid }) => uuid ?? []);
    expect(new Set(ids).size, file).toBe(ids.length);
    expect(lines.filter(({ type }) => type === 'result').length, file).toBeLessThanOrEqual(1);
  }
}

/**
 * Call when every task has been accepted or cancelled and no host runs: there is no process, container, lock, lease,
 * half file or worktree of the scene any more, and the repository is as a person left it.
 */
export async function expectNothingLeft(scene: Scene): Promise<void> {
  // What ends by itself is given the moment between its last word and its end.
  await expect.poll(() => processesOf(scene), { timeout: 15_000 }).toEqual([]);
  await expect.poll(() => containersOf(scene), { timeout: 15_000 }).toEqual([]);
  const files = (await readdir(scene.storage)).toSorted();
  expect(files.filter((name) => name.startsWith('orchestrator'))).toEqual([
    'orchestrator.db',
    'orchestrator.db.id',
  ]);
  expect(await readdir(join(scene.storage, 'leases')).catch(() => [])).toEqual([]);
  expect((await scene.git('worktree', 'list', '--porcelain')).match(/^worktree /gm)).toHaveLength(1);
  expect(await scene.git('status', '--porcelain')).toBe('');
}

/** Processes that have to do with the scene's folder. */
export async function processesOf({
  folder,
}: Scene): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    const command = (await read('cmdline')).replaceAll('\0', ' ').trim();
    const all = `${command} ${cwd} ${await read('environ')}`;
    if (Number(pid) !== process.pid && all.includes(folder)) found.push({ pid: Number(pid), command });
  }
  return found;
}

async function containersOf(scene: Scene): Promise<readonly string[]> {
  return scene.isolation === 'process' ? [] : scene.containers();
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
