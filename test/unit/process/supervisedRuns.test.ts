import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/engine/ports/clock.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { createWhole, readExitRecord, runFiles } from '../../../src/engine/process/runDirectory.ts';
import { settleRun } from '../../../src/engine/process/settleRun.ts';
import { SupervisedRuns } from '../../../src/engine/process/supervisedRuns.ts';
import {
  readOwner,
  temporaryPathOf,
  type SupervisorOwner,
} from '../../../src/engine/process/supervisorProtocol.ts';
import { systemClock } from '../../../src/engine/systemClock.ts';
import { runs as isRunning, RunRoom, waitFor } from '../../support/runRoom.ts';
import { bundle, BundledSupervisor } from '../../support/supervisorProgram.ts';

/** Every deadline comes almost at once. */
class HastyClock implements Clock {
  now(): number {
    return Date.now();
  }
  at(_at: number, callback: () => void): () => void {
    const timer = setTimeout(callback, 200);
    return () => clearTimeout(timer);
  }
}

const secret = 'sk-ant-made-up-0123456789';
const linux = process.platform === 'linux';
let program: BundledSupervisor;
let room: RunRoom;
let runs: SupervisedRuns;

beforeAll(async () => {
  program = await BundledSupervisor.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  room = await RunRoom.open();
  runs = new SupervisedRuns(program, systemClock);
});

afterEach(async () => {
  runs.close();
  await room.close();
});

const ended = (runDir: string, by: SupervisedRuns = runs) => by.ended(runDir, new AbortController().signal);

async function runToEnd(...args: Parameters<RunRoom['script']>) {
  const runDir = await room.runDir();
  await runs.start(runDir, room.script(...args), '');
  const record = await ended(runDir);
  return { record, runDir, files: await room.filesOf(runDir) };
}

async function ownerOf(runDir: string): Promise<SupervisorOwner> {
  const owner = await readOwner(runDir);
  if (owner?.type !== 'supervisor') throw new Error('The run has no supervisor');
  return owner;
}

describe('a supervised run', { timeout: 60_000 }, () => {
  it('keeps all of a big output and the exit code', async () => {
    const text =
      'i=0; while [ $i -lt 50 ]; do head -c 104858 /dev/zero | tr "\\0" x; echo; echo err >&2; i=$((i+1)); done; exit 3';
    const { record, files } = await runToEnd(text);
    expect(record).toEqual({ code: 3, signal: null, reason: 'exited' });
    expect(files.get(runFiles.stdout)?.length).toBe(50 * 104_859);
    expect(files.get(runFiles.stderr)).toBe('err\n'.repeat(50));
    expect(files.has(runFiles.supervisorLog)).toBe(false);
  });

  it('records the signal that ended the program', async () => {
    const { record } = await runToEnd('kill -KILL $$');
    expect(record).toEqual({ code: null, signal: 'SIGKILL', reason: 'exited' });
  });

  it('feeds standard input and then its end', async () => {
    const runDir = await room.runDir();
    const prompt = 'line\n'.repeat(40_000);
    await runs.start(runDir, room.script('', { argv: ['cat'] }), prompt);
    expect(await ended(runDir)).toMatchObject({ code: 0 });
    expect(await readFile(join(runDir, runFiles.stdout), 'utf8')).toBe(prompt);
  });

  it('gives the program its environment, a private temporary folder and nothing else', async () => {
    const env = { PATH: process.env['PATH'] ?? '', NAME: 'value' };
    const { files, runDir } = await runToEnd('', {
      argv: ['sh', '-c', 'env | cut -d= -f1 | sort; stat -c %a "$TMPDIR"; pwd -P'],
      env,
    });
    const lines = files.get(runFiles.stdout)?.trim().split('\n') ?? [];
    const names = lines.slice(0, -2).filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name));
    expect(names).toEqual(['NAME', 'ORCHESTRATOR_RUN', 'PATH', 'TMPDIR']);
    expect(lines.slice(-2)).toEqual(['700', room.worktree]);
    await expect(stat(temporaryPathOf((await ownerOf(runDir)).token))).rejects.toThrow(/ENOENT/);
  });

  it('is ended by its supervisor when its time is up', async () => {
    const { record } = await runToEnd('echo begun; sleep 1000', { timeoutMs: 300 });
    expect(record).toEqual({ code: null, signal: 'SIGTERM', reason: 'timeout' });
  });

  it('runs once, however often it is started', async () => {
    const runDir = await room.runDir();
    const launch = room.script('echo ran >> count');
    await Promise.all([runs.start(runDir, launch, ''), runs.start(runDir, launch, '')]);
    await ended(runDir);
    await new SupervisedRuns(program, systemClock).start(runDir, launch, '');
    expect(await ended(runDir)).toMatchObject({ code: 0 });
    expect(await room.lines('count', 1)).toEqual(['ran']);
  });

  it('knows whether it was started', async () => {
    const runDir = await room.runDir();
    expect(await runs.wasStarted(runDir)).toBe(false);
    expect(await ended(runDir)).toMatchObject({ reason: 'lost', detail: 'It was never started' });
    await runs.start(runDir, room.script('true'), '');
    expect(await runs.wasStarted(runDir)).toBe(true);
    await ended(runDir);
  });

  it('goes on when its engine is killed, and another engine takes it up', async () => {
    const runDir = await room.runDir();
    const launch = room.script(`echo before; ${waitFor('go')}; echo after`);
    const enginePath = join(room.path, 'engine.js');
    await bundle('test/support/engineProcess.ts', enginePath);
    const engine = spawn(
      process.execPath,
      [enginePath, program.supervisorPath, runDir, JSON.stringify(launch)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(engine.stdout, 'data');
    engine.kill('SIGKILL');
    await once(engine, 'exit');

    const waiting = ended(runDir);
    await room.say('go');
    expect(await waiting).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect(await readFile(join(runDir, runFiles.stdout), 'utf8')).toBe('before\nafter\n');
  });

  it('goes on when its terminal hangs up or is interrupted', async () => {
    const runDir = await room.runDir();
    await runs.start(runDir, room.script(`${waitFor('go')}; echo done`), '');
    const { pid } = await ownerOf(runDir);
    process.kill(pid, 'SIGHUP');
    process.kill(pid, 'SIGINT');
    await room.say('go');
    expect(await ended(runDir)).toEqual({ code: 0, signal: null, reason: 'exited' });
  });

  it('stops waiting when aborted, and the run goes on', async () => {
    const runDir = await room.runDir();
    await runs.start(runDir, room.script(waitFor('go')), '');
    const abort = new AbortController();
    const waiting = runs.ended(runDir, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await room.say('go');
    expect(await ended(runDir)).toMatchObject({ reason: 'exited', code: 0 });
  });
});

describe('what a program leaves behind', { timeout: 60_000 }, () => {
  it('is swept when the program ends, whatever session it moved to', async () => {
    const { record } = await runToEnd(
      'sleep 1000 & echo $! >> pids; setsid sleep 1000 & echo $! >> pids; exit 0',
    );
    expect(record).toEqual({ code: 0, signal: null, reason: 'exited' });
    for (const pid of await room.lines('pids', 2)) expect(await isRunning(pid)).toBe(false);
  });

  it('does not hold up the record by keeping the output open, even if it cannot be known', async () => {
    const { record, files } = await runToEnd(
      'echo whole; env -i setsid sh -c "echo \\$\\$ > pid; exec sleep 1000" & '.concat(waitFor('pid')),
    );
    expect(record).toMatchObject({ code: 0, reason: 'exited' });
    expect(files.get(runFiles.stdout)).toBe('whole\n');
    const [stranger] = await room.lines('pid', 1);
    process.kill(Number(stranger), 'SIGKILL');
  });
});

describe('stopping a run', { timeout: 60_000 }, () => {
  it('ends a program that obeys', async () => {
    const runDir = await room.runDir();
    await runs.start(
      runDir,
      room.script('trap "echo bye; exit 7" TERM; echo up >> up; while :; do sleep 0.05; done'),
      '',
    );
    await room.lines('up', 1);
    await runs.stop(runDir);
    expect(await readExitRecord(runDir)).toEqual({ code: 7, signal: null, reason: 'stopped' });
    expect(await readFile(join(runDir, runFiles.stdout), 'utf8')).toBe('bye\n');
  });

  it('kills a tree that ignores the request, and a grandchild in a session of its own', async () => {
    const runDir = await room.runDir();
    const stubborn = `trap "" TERM; echo $$ >> pids; while :; do sleep 1; done`;
    await writeFile(join(room.worktree, 'stubborn'), stubborn);
    await runs.start(runDir, room.script('sh stubborn & setsid sh stubborn & . ./stubborn'), '');
    const pids = await room.lines('pids', 3);
    await runs.stop(runDir);
    expect(await readExitRecord(runDir)).toEqual({ code: null, signal: 'SIGKILL', reason: 'stopped' });
    for (const pid of pids) expect(await isRunning(pid)).toBe(false);
  });

  it('kills a supervisor that does not answer, and its tree', async () => {
    const hasty = new SupervisedRuns(program, new HastyClock());
    const runDir = await room.runDir();
    await hasty.start(runDir, room.script('setsid sleep 1000 & echo $! >> pids; sleep 1000'), '');
    const [pid = ''] = await room.lines('pids', 1);
    const owner = await ownerOf(runDir);
    process.kill(owner.pid, 'SIGSTOP');
    await hasty.stop(runDir);
    expect(await readExitRecord(runDir)).toMatchObject({ reason: 'stopped' });
    expect([await isRunning(owner.pid), await isRunning(pid)]).toEqual([false, false]);
  });

  it('does nothing to a run that was never started or has ended', async () => {
    const runDir = await room.runDir();
    await runs.stop(runDir);
    expect(await readdir(runDir)).toEqual([]);
    const over = await runToEnd('exit 4');
    await runs.stop(over.runDir);
    expect(await readExitRecord(over.runDir)).toEqual({ code: 4, signal: null, reason: 'exited' });
  });

  it('never touches a later process with the number of a supervisor that is gone', async () => {
    const bystander = spawn('sleep', ['1000']);
    await once(bystander, 'spawn');
    const runDir = await room.runDir();
    const pid = bystander.pid ?? 0;
    const earlier = { pid, startTime: 'an earlier time' };
    const owner = { type: 'supervisor', ...earlier, token: crypto.randomUUID(), program: earlier };
    await writeFile(join(runDir, runFiles.launch), '{}');
    await writeFile(join(runDir, runFiles.owner), JSON.stringify(owner));
    await runs.stop(runDir);
    expect(await readExitRecord(runDir)).toMatchObject({ reason: 'lost' });
    expect(await isRunning(pid)).toBe(true);
    bystander.kill('SIGKILL');
  });
});

describe('a lost run', { timeout: 60_000 }, () => {
  it('is recorded with all its processes gone when its supervisor was killed', async () => {
    const runDir = await room.runDir();
    await runs.start(
      runDir,
      room.script('echo $$ >> pids; setsid sleep 1000 & echo $! >> pids; sleep 1000'),
      '',
    );
    const pids = await room.lines('pids', 2);
    process.kill((await ownerOf(runDir)).pid, 'SIGKILL');
    expect(await ended(runDir)).toMatchObject({ code: null, reason: 'lost' });
    for (const pid of pids) expect(await isRunning(pid)).toBe(false);
    expect(await ended(runDir)).toMatchObject({ reason: 'lost' });
  });

  it.runIf(linux)('takes its program with it even while no engine looks', async () => {
    const runDir = await room.runDir();
    await runs.start(runDir, room.script('echo up >> up; exec sleep 1000'), '');
    await room.lines('up', 1);
    const { pid, program: child } = await ownerOf(runDir);
    process.kill(pid, 'SIGKILL');
    // The kernel sends the signal at once; a loaded machine may take a moment to act on it.
    await expect.poll(() => isRunning(child?.pid ?? 0), { timeout: 10_000 }).toBe(false);
    await ended(runDir);
  });

  it('that never got an owner is given up, and a supervisor that comes late does not start it', async () => {
    const runDir = await room.runDir();
    await createWhole(join(runDir, runFiles.launch), '{}');
    await writeFile(join(runDir, runFiles.stdin), '');
    expect(await settleRun(runDir, 'patient')).toBeNull();
    const hasty = new SupervisedRuns(program, new HastyClock());
    expect(await ended(runDir, hasty)).toMatchObject({
      reason: 'lost',
      detail: 'Its supervisor never came up',
    });

    const late = spawn(process.execPath, [program.supervisorPath], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    late.stdin.end(JSON.stringify({ type: 'run', runDir, launch: room.script('echo ran > ran') }));
    expect(await once(late, 'exit')).toEqual([0, null]);
    expect(await readdir(room.worktree)).toEqual([]);
  });

  it.runIf(linux)('is what becomes of a program whose output cannot be written', async () => {
    const runDir = await room.runDir();
    await symlink('/dev/full', join(runDir, runFiles.stdout));
    await runs.start(runDir, room.script('echo too much; sleep 1000'), '');
    const record = await ended(runDir);
    expect(record.reason).toBe('lost');
    expect(record.detail).toContain('ENOSPC');
  });
});

describe('a run that cannot be started', () => {
  it('says that the program is missing, and stays lost', async () => {
    const runDir = await room.runDir();
    const started = runs.start(runDir, room.script('', { argv: ['no-such-program'] }), '');
    await expect(started).rejects.toThrow('There is no executable no-such-program');
    await expect(started).rejects.toSatisfy((error) => OrchestratorError.is(error, 'environment'));
    expect(await ended(runDir)).toMatchObject({
      reason: 'lost',
      detail: 'There is no executable no-such-program',
    });
  });

  it('says that the working directory is missing', async () => {
    const launch = room.script('true', { cwd: join(room.path, 'gone') });
    await expect(runs.start(await room.runDir(), launch, '')).rejects.toThrow(
      /working directory .* does not exist/,
    );
  });

  it('says that the supervisor is missing, with what Node says about it', async () => {
    const broken = new SupervisedRuns(
      { nodePath: process.execPath, supervisorPath: join(room.path, 'none.js') },
      systemClock,
    );
    const runDir = await room.runDir();
    await expect(broken.start(runDir, room.script('true'), '')).rejects.toThrow(
      /did not come up: .*none\.js/s,
    );
    expect(await ended(runDir)).toMatchObject({ reason: 'lost' });
  });

  it('says that Node is missing', async () => {
    const broken = new SupervisedRuns(
      { nodePath: join(room.path, 'no-node'), supervisorPath: program.supervisorPath },
      systemClock,
    );
    await expect(broken.start(await room.runDir(), room.script('true'), '')).rejects.toThrow(/ENOENT/);
  });
});

describe('a secret', { timeout: 60_000 }, () => {
  const echoInParts = `printf "%s" "\${API_KEY%56789}"; ${waitFor('go')}; printf "%s\\n" "56789"; printf "%s" "$API_KEY" >&2`;

  it('is in no file of the run directory, not even when echoed in parts', async () => {
    const runDir = await room.runDir();
    const launch = room.script(`echo start; echo up >> up; ${echoInParts}`);
    await runs.start(runDir, { ...launch, env: { ...launch.env, API_KEY: secret } }, 'prompt');
    await room.lines('up', 1);
    await room.say('go');
    await ended(runDir);
    const files = await room.filesOf(runDir);
    expect(files.get(runFiles.stdout)).toBe('start\n[redacted]\n');
    expect(files.get(runFiles.stderr)).toBe('[redacted]');
    for (const [, content] of files) expect(content).not.toContain('sk-ant');
  });

  it.runIf(linux)('is in the arguments of no process', async () => {
    const runDir = await room.runDir();
    const launch = room.script(`echo up >> up; ${waitFor('go')}`);
    await runs.start(runDir, { ...launch, env: { ...launch.env, API_KEY: secret } }, '');
    await room.lines('up', 1);
    const owner = await ownerOf(runDir);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const read = (file: string) =>
      Promise.all(pids.map((pid) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')));
    expect((await read('cmdline')).filter((args) => args.includes(secret))).toEqual([]);
    // The supervisor has it in memory only; the program must have it in its environment.
    expect(await readFile(`/proc/${owner.pid}/environ`, 'latin1')).not.toContain(secret);
    expect(await readFile(`/proc/${owner.program?.pid ?? 0}/environ`, 'latin1')).toContain(secret);
    await room.say('go');
    await ended(runDir);
  });

  it('does not show in the log of a supervisor that was handed half a document', async () => {
    const runDir = await room.runDir();
    const supervisor = spawn(process.execPath, [program.supervisorPath], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let words = '';
    supervisor.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    supervisor.stdin.end(`{"runDir":"${runDir}","launch":{"env":{"API_KEY":"${secret}"`);
    expect(await once(supervisor, 'close')).toEqual([1, null]);
    expect(words).toContain('cut short');
    expect(words).not.toContain('sk-ant');
    expect(await readdir(runDir)).toEqual([]);
  });
});
