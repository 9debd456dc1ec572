import { chmodSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import type { DockerIsolation } from '../../src/engine/allocation/dockerIsolation.ts';
import type { Workspace } from '../../src/engine/ports/isolation.ts';
import { leaseIdOf } from '../../src/engine/domain/ids.ts';
import type { RepositoryFixture } from '../support/dockerEngineHarness.ts';
import {
  DockerHarness,
  leaseRequest,
  outputOf,
  runProgram,
  startProgram,
} from '../support/dockerEngineHarness.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();
const never = new AbortController().signal;

describe.skipIf(skip)('a lease in a container', { timeout: 120_000 }, () => {
  let harness: DockerHarness;
  let repository: RepositoryFixture;
  let storageId: string;
  let isolation: DockerIsolation;
  let workspace: Workspace;

  beforeEach(async () => {
    harness = await DockerHarness.open();
    repository = harness.repository();
    storageId = harness.storageId();
    isolation = harness.isolation({ storageId });
    workspace = await isolation.acquire(leaseRequest(repository, 8081), never);
  }, 60_000);

  afterAll(async () => {
    expect(await harness.leftovers()).toEqual([]);
  });

  afterEach(async () => {
    await isolation.release(leaseIdOf(8081, 1));
    expect(await harness.containers(storageId)).toEqual([]);
    await harness.close();
  }, 60_000);

  it('runs a program in the worktree with its input and environment, and tells its exit code', async () => {
    const script = 'pwd; cat; echo "$SECRET" >&2; exit 3';
    const run = await runProgram(repository, workspace, ['sh', '-c', script], {
      stdin: 'the prompt',
      env: { SECRET: 'x y' },
    });
    expect(run.exit).toEqual({ code: 3, signal: null, reason: 'exited' });
    expect(run.stdout).toBe('/workspace\nthe prompt');
    expect(run.stderr).toBe('x y\n');
  });

  it('says so when git cannot be set up, in git’s own words, and starts nothing', async () => {
    const checkout = repository.checkout('1'.repeat(40));
    const runDir = await startProgram(repository, workspace, ['sh', '-c', 'echo started >started'], {
      checkout,
      // The words go where the program's own would, past what takes secrets out.
      env: { SECRET_KEY: 'not a real one' },
    });
    await expect(workspace.ended(runDir, never)).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(/Git could not be set up in the container: .*1{40}/s),
    });
    expect(readdirSync(repository.worktree)).not.toContain('started');
    const again = await runProgram(repository, workspace, ['git', 'status', '--short'], {
      checkout: repository.checkout(),
    });
    expect(again).toMatchObject({ stdout: '', stderr: '', exit: { code: 0 } });
  });

  // Root alone can make an index of a file that nobody else can read.
  it.runIf(process.getuid?.() === 0)('lets git inside know what the host’s knows of the files', async () => {
    const file = join(repository.worktree, 'file.txt');
    // Git trusts no index that is not younger than the file.
    utimesSync(file, new Date(0), new Date(0));
    chmodSync(file, 0o000);
    await runProgram(repository, workspace, ['true']);
    const status = () =>
      runProgram(repository, workspace, ['git', 'status', '--short'], { checkout: repository.checkout() });
    expect((await status()).stdout).toBe(' M file.txt\n');
    repository.gitInWorktree('update-index', '--refresh');
    const known = await status();
    expect(known).toMatchObject({ stdout: '', stderr: '', exit: { code: 0 } });
    expect(readdirSync(known.runDir)).not.toContain('git-index');
  });

  it('does without an index of the host that git inside cannot read', async () => {
    writeFileSync(join(repository.worktree, 'new.txt'), 'new\n');
    writeFileSync(repository.indexFile, 'no index');
    const run = await runProgram(repository, workspace, ['git', 'status', '--short'], {
      checkout: repository.checkout(),
    });
    expect(run).toMatchObject({ stdout: '?? new.txt\n', stderr: '', exit: { code: 0 } });
  });

  it('keeps five megabytes of output whole', async () => {
    const script = 'process.stdout.write("0123456789".repeat(500000), () => process.exit(0))';
    const run = await runProgram(repository, workspace, ['node', '-e', script]);
    expect(run.exit.code).toBe(0);
    expect(run.stdout === '0123456789'.repeat(500_000)).toBe(true);
  });

  it('tells a signal from an exit code', async () => {
    const run = await runProgram(repository, workspace, ['sh', '-c', 'kill -s KILL $$']);
    expect(run.exit).toEqual({ code: null, signal: 'SIGKILL', reason: 'exited' });
  });

  it('tells a program that is not there, in its own words', async () => {
    const run = await runProgram(repository, workspace, ['/opt/nothing', '--version']);
    expect(run.exit.code).toBe(127);
    expect(run.stderr).toContain('/opt/nothing');
  });

  it('gives programs the default signals and never the builtins of a shell', async () => {
    const run = await runProgram(repository, workspace, ['grep', 'SigIgn', '/proc/self/status']);
    expect(run.stdout.trim()).toMatch(/^SigIgn:\s+0+$/);
    expect((await runProgram(repository, workspace, ['export'])).exit.code).toBe(127);
  });

  it('binds the Claude Code of the host where the image has none', async () => {
    const run = await runProgram(repository, workspace, [await workspace.claude(), '--version']);
    expect(run.stdout).toMatch(/^\d+\.\d+\.\d+ \(Claude Code\)/);
    expect(run.exit.code).toBe(0);
  });

  it('starts a run directory once', async () => {
    const run = await runProgram(repository, workspace, ['sh', '-c', 'echo once']);
    await workspace.start({
      runDir: run.runDir,
      argv: ['sh', '-c', 'echo twice'],
      stdin: '',
      env: {},
      timeoutMs: 1_000,
    });
    expect(await workspace.ended(run.runDir, never)).toEqual(run.exit);
    expect(readFileSync(join(run.runDir, 'stdout.jsonl'), 'utf8')).toBe('once\n');
  });

  it('keeps secrets out of what Docker tells about the container and out of the run directory', async () => {
    const runDir = await startProgram(repository, workspace, ['sleep', '60'], {
      env: { API_KEY: 'sk-sesame' },
    });
    const [id = ''] = await harness.containers(storageId);
    expect(JSON.stringify(await harness.inspect(id))).not.toContain('sesame');
    await workspace.stop(runDir);
    for (const name of ['launch.json', 'owner.json', 'exit.json', 'stdin']) {
      expect(readFileSync(join(runDir, name), 'utf8')).not.toContain('sesame');
    }
  });

  it('takes secrets out of what a program prints before any of it is on the disk', async () => {
    const env = { API_KEY: 'sk-"sesame"' };
    const script = `
      const print = (text) => new Promise((done) => process.stdout.write(text, done));
      const wait = () => new Promise((done) => setTimeout(done, 50));
      process.stderr.write('to the errors: ' + process.env.API_KEY);
      await print('first line\\n' + JSON.stringify({ key: process.env.API_KEY }) + '\\nin two: ' + process.env.API_KEY.slice(0, 5));
      await wait();
      await print(process.env.API_KEY.slice(5) + '\\n');
      await print(Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.alloc(2_000_000, 'x'), Buffer.from('\\nlast')]));
      await print(' ' + (process.env.ORCHESTRATOR_FILTER ?? 'no filter in the environment'));`;
    const run = await runProgram(repository, workspace, ['node', '--input-type=module', '-e', script], {
      env,
    });
    expect(run.exit).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect(run.stderr).toBe('to the errors: [redacted]');
    const lines = run.stdout.split('\n');
    expect(lines.map((line) => line.slice(0, 60))).toEqual([
      'first line',
      '{"key":"[redacted]"}',
      'in two: [redacted]',
      '\uFFFD',
      'x'.repeat(60),
      'last no filter in the environment',
    ]);
    expect(lines[4]).toHaveLength(2_000_000);
  });

  it('lets a program with secrets be seen while it runs, and loses no last word of it', async () => {
    const env = { API_KEY: 'sk-sesame-1' };
    const script = 'trap "echo asked; exit 7" TERM; echo up; setsid sleep 4444 & sleep 60 & wait';
    const runDir = await startProgram(repository, workspace, ['sh', '-c', script], { env });
    await expect.poll(() => outputOf(runDir).stdout, { timeout: 20_000 }).toBe('up\n');
    expect(await processes()).not.toContain('sesame');
    await workspace.stop(runDir);
    expect(await workspace.ended(runDir, never)).toEqual({ code: 7, signal: null, reason: 'stopped' });
    expect(outputOf(runDir).stdout).toBe('up\nasked\n');
    expect(await processes()).not.toMatch(/4444|sed -/);
  });

  it('ends a program at its timeout, asking first', async () => {
    const script = 'trap "echo asked; exit 0" TERM; sleep 60 & wait';
    const run = await runProgram(repository, workspace, ['sh', '-c', script], { timeoutMs: 1_000 });
    expect(run.exit).toEqual({ code: 0, signal: null, reason: 'timeout' });
    expect(run.stdout).toBe('asked\n');
  });

  it('kills at its timeout what does not listen, though no engine waits for it', async () => {
    const script = 'trap "" TERM; while :; do sleep 1; done';
    const runDir = await startProgram(repository, workspace, ['sh', '-c', script], { timeoutMs: 1_000 });
    await isolation.close();
    isolation = harness.isolation({ storageId });
    workspace = await isolation.acquire(leaseRequest(repository, 8081), never);
    const exit = await workspace.ended(runDir, never);
    expect(exit).toEqual({ code: null, signal: 'SIGKILL', reason: 'timeout' });
  });

  it('stops a tree that ignores TERM, with a child in a session of its own', async () => {
    const script = 'trap "" TERM; setsid sleep 1111 & echo up; while :; do sleep 1; done';
    const runDir = await startProgram(repository, workspace, ['sh', '-c', script]);
    await expect.poll(() => outputOf(runDir).stdout, { timeout: 20_000 }).toBe('up\n');
    await workspace.stop(runDir);
    expect(await workspace.ended(runDir, never)).toEqual({
      code: null,
      signal: 'SIGKILL',
      reason: 'stopped',
    });
    expect(await processes()).not.toContain('1111');
  });

  it('stops a run that has only just been asked for', async () => {
    const runDir = await startProgram(repository, workspace, ['sleep', '60']);
    await workspace.stop(runDir);
    expect(await workspace.ended(runDir, never)).toMatchObject({ signal: 'SIGTERM', reason: 'stopped' });
  });

  it('kills what a program leaves behind before it says that the run has ended', async () => {
    const run = await runProgram(repository, workspace, [
      'sh',
      '-c',
      'setsid sleep 2222 & sleep 3333 & exit 0',
    ]);
    expect(run.exit).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect(await processes()).not.toMatch(/2222|3333/);
  });

  it('has nothing of a run left when that is told to have ended, though the agent wrote so and goes on', async () => {
    const script = `
cd /orchestrator/*/ && echo '{"code":0,"signal":null,"reason":"exited"}' >exit.json
while :; do echo more >>/workspace/written-later; done`;
    const run = await runProgram(repository, workspace, ['sh', '-c', script]);
    expect(run.exit).toMatchObject({ reason: 'lost', detail: expect.stringContaining('went on') });
    expect(await harness.containers(storageId)).toEqual([]);
  });

  it('counts what is in the container beside process 1 and its own', async () => {
    const [container = ''] = await harness.containers(storageId);
    expect(await harness.engine.othersIn(container)).toBe(0);
    const runDir = await startProgram(repository, workspace, [
      'sh',
      '-c',
      'setsid sleep 66 & echo up; sleep 77',
    ]);
    await vi.waitFor(() => expect(outputOf(runDir).stdout).toBe('up\n'));
    expect(await harness.engine.othersIn(container)).toBeGreaterThan(2);
    await workspace.stop(runDir);
    expect(await harness.engine.othersIn(container)).toBe(0);
    await harness.engine.remove(container);
    expect(await harness.engine.othersIn(container)).toBeNull();
  });

  it('has one process beside process 1, with which that waits, however many runs there were', async () => {
    const guardsOwn = `for each in /proc/[0-9]*; do
      read -r stat <"$each/stat"; set -- \${stat##*)}; [ "$4" = 1 ] && echo "$each"; done 2>/dev/null`;
    const leavesSome = `(setsid sleep 98 &); sleep 97 & ${guardsOwn}`;
    for (const env of [{ SECRET_KEY: 'not a real one' }, {}, {}] as Record<string, string>[]) {
      const run = await runProgram(repository, workspace, ['sh', '-c', leavesSome], { env });
      expect(run.stdout.trim().split('\n')).toHaveLength(2);
    }
  });

  it('gives up a command of its own that hangs in the container, and others are heard as before', async () => {
    const [container = ''] = await harness.containers(storageId);
    const engine = await openDockerEngine();
    const hanging = engine.run(container, ['sleep', '60'], 500);
    await expect(hanging).rejects.toThrow('A command in the container took over 500 ms.');
    expect(await engine.run(container, ['echo', 'here'])).toMatchObject({ code: 0, stdout: 'here\n' });
    const run = await runProgram(repository, workspace, ['echo', 'here too']);
    expect(run.stdout).toBe('here too\n');
  });

  it('names the want of memory', async () => {
    await isolation.release(leaseIdOf(8081, 1));
    isolation = harness.isolation({ storageId, limits: { memoryBytes: 96 * 2 ** 20 } });
    workspace = await isolation.acquire(leaseRequest(repository, 8081), never);
    const eat = 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))';
    const run = await runProgram(repository, workspace, ['node', '-e', eat]);
    expect(run.exit).toEqual({ code: null, signal: 'SIGKILL', reason: 'exited', detail: 'out of memory' });
  });

  it('tells that the container was removed from outside', async () => {
    const runDir = await startProgram(repository, workspace, ['sleep', '60']);
    const ended = workspace.ended(runDir, never);
    for (const id of await harness.containers(storageId)) await harness.engine.remove(id);
    expect(await ended).toEqual({ code: null, signal: null, reason: 'lost', detail: 'container removed' });
    await workspace.stop(runDir);
  });

  it('tells that a run lost its wrapper, and clears away the rest', async () => {
    const script =
      'sleep 4444 & setsid sh -c "kill -s KILL $PPID $(cut -d" " -f4 /proc/$PPID/stat)"; sleep 5555';
    const run = startProgram(repository, workspace, ['sh', '-c', script]);
    expect(await workspace.ended(await run, never)).toMatchObject({ reason: 'lost', code: null });
    expect(await processes()).not.toMatch(/4444|5555/);
  });

  it('only stops waiting when its signal aborts', async () => {
    const runDir = await startProgram(repository, workspace, ['sleep', '60']);
    const waiting = new AbortController();
    const ended = workspace.ended(runDir, waiting.signal);
    waiting.abort(new Error('enough'));
    await expect(ended).rejects.toThrow('enough');
    expect(await processes()).toContain('sleep 60');
  });

  it("answers on the slot's port", async () => {
    const serve =
      'require("http").createServer((_, reply) => reply.end("app")).listen(8080, () => console.log("up"))';
    await startProgram(repository, workspace, ['node', '-e', serve]);
    await expect.poll(() => httpText('http://127.0.0.1:8081/'), { timeout: 20_000 }).toBe('app');
    expect(workspace.containerPort).toBe(8081);
  });

  it('reaches a service of the host by name when it listens on all addresses', async () => {
    const server = createServer((_, reply) => reply.end('host'));
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    const { port } = server.address() as AddressInfo;
    const fetchIt = `fetch("http://host.docker.internal:${port}").then((r) => r.text()).then(console.log)`;
    const run = await runProgram(repository, workspace, ['node', '-e', fetchIt]);
    server.close();
    expect(run.stdout).toBe('host\n');
  });

  it('replaces links that an agent has put where files of a later run will be', async () => {
    const secret = join(repository.folder, 'secret');
    writeFileSync(secret, 'untouched');
    const plant =
      'mkdir /orchestrator/next && cd /orchestrator/next && for f in stdin launch.json stdout.jsonl exit.json; do ln -s "$0" $f; done';
    await runProgram(repository, workspace, ['sh', '-c', plant, secret]);
    const runDir = join(repository.runs, 'next');
    await workspace.start({ runDir, argv: ['cat'], stdin: 'prompt', env: {}, timeoutMs: 10_000 });
    expect(await workspace.ended(runDir, never)).toMatchObject({ code: 0 });
    expect(readFileSync(secret, 'utf8')).toBe('untouched');
    expect(readFileSync(join(runDir, 'stdout.jsonl'), 'utf8')).toBe('prompt');
  });

  it('refuses a run directory that an agent has turned into a link', async () => {
    await runProgram(repository, workspace, ['ln', '-s', repository.folder, '/orchestrator/next']);
    const launch = { argv: ['cat'], stdin: '', env: {}, timeoutMs: 1_000 } as const;
    await expect(workspace.start({ ...launch, runDir: join(repository.runs, 'next') })).rejects.toThrow(
      'another place',
    );
  });

  async function processes(): Promise<string> {
    const [id = ''] = await harness.containers(storageId);
    return (await harness.engine.run(id, ['ps', '-eo', 'args'])).stdout;
  }
});

function httpText(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (reply) => {
      let text = '';
      reply.on('data', (chunk) => (text += String(chunk)));
      reply.on('end', () => resolve(text));
      reply.on('error', () => resolve(''));
    });
    request.on('error', () => resolve(''));
  });
}
