import { mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { execute } from '../../../src/engine/process/exec.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const node = (script: string, ...args: string[]) => ['-e', script, ...args];

describe('execute', () => {
  test('resolves with exit code and both streams, untouched', async () => {
    const script = 'process.stdout.write("out\\n\\n"); process.stderr.write("err\\n"); process.exitCode = 3';
    expect(await execute(process.execPath, node(script))).toEqual({
      exitCode: 3,
      stdout: 'out\n\n',
      stderr: 'err\n',
    });
  });

  test('passes arguments as they are, never through a shell', async () => {
    const args = ['$(touch x)', '; touch x', '*', '"', '\n'];
    const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
    const { stdout } = await execute(process.execPath, [...node(script), '--', ...args], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test('feeds the input and closes standard input without one', async () => {
    expect((await execute('cat', [], { input: 'äöü' })).stdout).toBe('äöü');
    expect((await execute('cat', [])).stdout).toBe('');
  });

  test('a program that does not read its input is no error', async () => {
    expect((await execute('true', [], { input: 'x'.repeat(5_000_000) })).exitCode).toBe(0);
  });

  test('with extendEnv false the environment is exactly the given one', async () => {
    const { stdout } = await execute(process.execPath, node('console.log(JSON.stringify(process.env))'), {
      env: { ONLY: 'this' },
      extendEnv: false,
    });
    expect(JSON.parse(stdout)).toEqual({ ONLY: 'this' });
  });

  test('a program ended by a signal resolves with 128 + its number', async () => {
    expect((await execute('sh', ['-c', 'kill -KILL $$'])).exitCode).toBe(137);
  });

  test('tells a missing program, a missing folder and a file that is no program apart', async () => {
    await writeFile(join(folder, 'text'), 'not a program', { mode: 0o644 });
    await expect(execute('no-such-program-here', [])).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('no such program'),
      remedy: expect.stringContaining('no-such-program-here'),
    });
    await expect(execute('true', [], { cwd: join(folder, 'missing') })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('no such folder'),
    });
    await expect(execute(join(folder, 'text'), [])).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('EACCES'),
    });
  });

  test('a PATH that must not be searched makes no other error of a missing program', async () => {
    await writeFile(join(folder, 'no-such-program-here'), 'not a program', { mode: 0o644 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    await expect(execute('no-such-program-here', [])).rejects.toMatchObject({
      message: expect.stringContaining('no such program'),
    });
  });

  test('output past the limit ends the program with an error', async () => {
    await expect(execute('yes', [], { maxBuffer: 1000 })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('1000'),
    });
  });

  test('a timeout ends the program and what it started', async () => {
    const { started, pids } = await familyOf(folder);
    const run = execute('sh', ['-c', started], { cwd: folder, timeoutMs: 1500 });
    await expect(run).rejects.toMatchObject({ code: 'timeout' });
    await expectGone(await pids());
  });

  test('an abort ends the program and what it started, also when they ignore SIGTERM', async () => {
    const { started, pids, ready } = await familyOf(folder, 'trap "" TERM; ');
    const controller = new AbortController();
    const run = execute('sh', ['-c', started], { cwd: folder, signal: controller.signal });
    const rejected = expect(run).rejects.toMatchObject({ code: 'killed' });
    await ready;
    controller.abort();
    await rejected;
    await expectGone(await pids());
  });

  test('aborted beforehand, nothing is started', async () => {
    const run = execute('touch', ['mark'], { cwd: folder, signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: 'killed' });
    await expect(readFile(join(folder, 'mark'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a descendant that left the group and holds the pipe does not hold up a timeout', async () => {
    const script = 'setsid sleep 30 & echo $! > escaped; sleep 30';
    await expect(execute('sh', ['-c', script], { cwd: folder, timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'timeout',
    });
    process.kill(Number(await readFile(join(folder, 'escaped'), 'utf8')), 'SIGKILL');
  });
});

/** A shell script that starts a child, notes both process ids in `pids` and lingers. */
async function familyOf(cwd: string, prelude = '') {
  const watcher = watch(cwd);
  const ready = (async () => {
    for await (const event of watcher) if (event.filename === 'pids') return;
  })();
  return {
    started: `${prelude}sh -c '${prelude}while :; do sleep 1; done' & echo "$$ $!" > tmp; mv tmp pids; while :; do sleep 1; done`,
    pids: async () => (await readFile(join(cwd, 'pids'), 'utf8')).trim().split(' ').map(Number),
    ready,
  };
}

/** A killed process may stay a zombie until its parent reaps it: that counts as gone. */
async function expectGone(pids: readonly number[]): Promise<void> {
  expect(pids).toHaveLength(2);
  for (const pid of pids) {
    const state = await execute('ps', ['-o', 'stat=', '-p', String(pid)]);
    expect(state.stdout.trim()).toMatch(/^(Z.*)?$/);
  }
}
