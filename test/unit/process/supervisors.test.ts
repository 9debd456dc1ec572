import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExitRecord } from '../../../src/engine/ports/isolation.ts';
import { processTable } from '../../../src/engine/process/processTable.ts';
import { readExitRecord, runFiles } from '../../../src/engine/process/runDirectory.ts';
import { Supervisors } from '../../../src/engine/process/supervisors.ts';
import {
  claimRun,
  readOwner,
  type SupervisorLaunch,
} from '../../../src/engine/process/supervisorProtocol.ts';
import { runs as isRunning, RunRoom, waitFor } from '../../support/runRoom.ts';
import { SteppedClock } from '../../support/steppedClock.ts';
import { bundle, BundledSupervisor } from '../../support/supervisorProgram.ts';

let program: BundledSupervisor;
let room: RunRoom;
let clock: SteppedClock;
let supervisors: Supervisors;

beforeAll(async () => {
  program = await BundledSupervisor.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  room = await RunRoom.open();
  clock = new SteppedClock(0);
  supervisors = new Supervisors(program, clock);
});

afterEach(async () => {
  supervisors.close();
  await room.close();
});

const childrenOf = async (pid: number): Promise<readonly number[]> =>
  (await processTable.list()).filter(({ parentPid }) => parentPid === pid).map((each) => each.pid);

/** The one process that this one has more than `before`. */
async function newChild(before: readonly number[]): Promise<number> {
  const [pid, ...others] = (await childrenOf(process.pid)).filter((each) => !before.includes(each));
  if (pid === undefined || others.length > 0) throw new Error('not one new process');
  return pid;
}

const gone = (pid: number): Promise<void> =>
  vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), { timeout: 10_000 });

async function prepared(): Promise<number> {
  const before = await childrenOf(process.pid);
  supervisors.prepare({ cwd: room.worktree });
  return newChild(before);
}

/** Starts a run and returns its directory. */
async function launched(launch: SupervisorLaunch, input = ''): Promise<string> {
  const runDir = await room.runDir();
  await writeFile(join(runDir, runFiles.stdin), input);
  await supervisors.launch(runDir, launch);
  return runDir;
}

async function supervisorOf(runDir: string): Promise<number> {
  const owner = await readOwner(runDir);
  if (owner?.type !== 'supervisor') throw new Error('the run has no supervisor');
  return owner.pid;
}

const supervisorOfRun = async (): Promise<number> => supervisorOf(await launched(room.script('true')));

/** As the engine does, which follows the run. */
async function untilEnded(runDir: string): Promise<ExitRecord> {
  return vi.waitFor(
    async () => {
      const record = await readExitRecord(runDir);
      if (record === null) throw new Error('it goes on');
      return record;
    },
    { timeout: 10_000 },
  );
}

describe('a supervisor that was prepared', () => {
  it('gets the next run, and only that one', async () => {
    const pid = await prepared();
    supervisors.prepare({ cwd: room.worktree });
    expect(await supervisorOfRun()).toBe(pid);
    expect(await supervisorOfRun()).not.toBe(pid);
  });

  it('and died is no loss: the run gets another', async () => {
    const pid = await prepared();
    process.kill(pid, 'SIGKILL');
    expect(await supervisorOfRun()).not.toBe(pid);
    const next = await prepared();
    process.kill(next, 'SIGKILL');
    // This process hears of it a moment later.
    await vi.waitFor(async () => expect(await prepared()).not.toBe(next));
  });

  it('ends when no run comes in time, and when it is not wanted any more', async () => {
    const late = await prepared();
    clock.set(9_999);
    expect(await isRunning(late)).toBe(true);
    clock.set(10_000);
    await gone(late);
    const unwanted = await prepared();
    supervisors.close();
    await gone(unwanted);
  });

  it('ends with its engine', async () => {
    const engine = join(room.path, 'engine.cjs');
    await bundle('test/support/preparingEngine.ts', engine);
    const child = spawn(process.execPath, [engine, program.supervisorPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const [pid, ...others] = await childrenOf(child.pid ?? 0);
    if (pid === undefined || others.length > 0) throw new Error('not one supervisor');
    child.kill('SIGKILL');
    await gone(pid);
  });
});

describe('a supervisor whose run has ended', () => {
  it('takes the next', async () => {
    const first = await launched(room.script('echo one'));
    await untilEnded(first);
    supervisors.free(first);
    const second = await launched(room.script('echo two; cat'), 'more\n');
    expect(await supervisorOf(second)).toBe(await supervisorOf(first));
    expect(await untilEnded(second)).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect((await room.filesOf(second)).get(runFiles.stdout)).toBe('two\nmore\n');
    expect((await room.filesOf(first)).get(runFiles.stdout)).toBe('one\n');
  });

  it('takes none when its run was to be stopped, and ends', async () => {
    const first = await launched(room.script('true'));
    const pid = await supervisorOf(first);
    supervisors.retire(first);
    await untilEnded(first);
    supervisors.free(first);
    expect(await supervisorOfRun()).not.toBe(pid);
    await gone(pid);
  });

  it('gives each of its runs a mark and a temporary folder of its own', async () => {
    const text = 'echo "$ORCHESTRATOR_RUN $TMPDIR"';
    const first = await launched(room.script(text));
    await untilEnded(first);
    supervisors.free(first);
    const second = await launched(room.script(text));
    await untilEnded(second);
    const [one, two] = await Promise.all([first, second].map((runDir) => room.filesOf(runDir)));
    expect(one?.get(runFiles.stdout)).not.toBe(two?.get(runFiles.stdout));
  });

  it('goes on with a run that its engine lets go of, then ends', async () => {
    const first = await launched(room.script(`${waitFor('go')}; echo done`));
    const pid = await supervisorOf(first);
    supervisors.close();
    await room.say('go');
    expect(await untilEnded(first)).toMatchObject({ code: 0 });
    await gone(pid);
  });

  it('does not take a run that is not its engine’s any more', async () => {
    const pid = await prepared();
    const runDir = await room.runDir();
    await writeFile(join(runDir, runFiles.stdin), '');
    await claimRun(runDir, { type: 'abandoned' });
    await expect(supervisors.launch(runDir, room.script('echo ran > ran'))).rejects.toThrow(
      'did not come up',
    );
    await gone(pid);
    expect(await readdir(room.worktree)).toEqual([]);
  });
});

it('a program whose input cannot be read is ended, and its run says why', async () => {
  const runDir = await room.runDir();
  await supervisors.launch(runDir, room.script('cat; sleep 1000'));
  const record = await untilEnded(runDir);
  expect(record).toMatchObject({ reason: 'lost', detail: expect.stringContaining('ENOENT') });
});

describe('a program that is started before its run', () => {
  const script = () => room.script('echo $$ > pid; cat; echo error >&2; exit 3');

  it('waits for its input, and is then that run', async () => {
    supervisors.prepare(script());
    const [pid = ''] = await room.lines('pid', 1);
    const runDir = await launched(script(), 'the prompt\n');
    expect(await readOwner(runDir)).toMatchObject({ program: { pid: Number(pid) } });
    expect(await untilEnded(runDir)).toEqual({ code: 3, signal: null, reason: 'exited' });
    const files = await room.filesOf(runDir);
    expect([files.get(runFiles.stdout), files.get(runFiles.stderr)]).toEqual(['the prompt\n', 'error\n']);
    expect(await room.lines('pid', 1)).toEqual([pid]);
  });

  it('has secrets taken out of its output, that before its run as well', async () => {
    const launch = room.script('echo $$ > pid; echo "$API_KEY"; cat');
    const secret = { ...launch, env: { ...launch.env, API_KEY: 'sk-made-up-0123456789' } };
    supervisors.prepare(secret);
    await room.lines('pid', 1);
    const runDir = await launched(secret, 'sk-made-up-0123456789\n');
    await untilEnded(runDir);
    expect((await room.filesOf(runDir)).get(runFiles.stdout)).toBe('[redacted]\n[redacted]\n');
  });

  it('is started once, however often it is expected', async () => {
    const before = await childrenOf(process.pid);
    supervisors.prepare(script());
    const pid = await newChild(before);
    supervisors.prepare(script());
    supervisors.prepare({ cwd: room.worktree });
    expect(await newChild(before)).toBe(pid);
  });

  it.each([
    [
      'of another program',
      (launch: SupervisorLaunch) => ({ ...launch, argv: ['sh', '-c', 'exit 0'] as const }),
    ],
    ['in another environment', (launch: SupervisorLaunch) => ({ ...launch, env: { ...launch.env, A: 'b' } })],
  ])('ends when the run that comes is %s', async (_name, changed) => {
    supervisors.prepare(script());
    const [pid = ''] = await room.lines('pid', 1);
    const runDir = await launched({ ...script(), ...changed(script()) } as SupervisorLaunch);
    expect(await readOwner(runDir)).not.toMatchObject({ program: { pid: Number(pid) } });
    await gone(Number(pid));
    await untilEnded(runDir);
  });

  it.each([
    ['no run comes in time', () => clock.set(2_000)],
    ['nothing follows in its folder', () => void supervisors.leave(room.worktree)],
    ['the engine closes', () => supervisors.close()],
  ])('ends with all that it started when %s', async (_name, happen) => {
    supervisors.prepare(room.script('setsid sleep 1000 & echo $! >> pids; echo $TMPDIR > folder; cat'));
    const [[sleeper = ''], [folder = '']] = await Promise.all([
      room.lines('pids', 1),
      room.lines('folder', 1),
    ]);
    happen();
    await gone(Number(sleeper));
    await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 10_000 });
  });

  it('and ended by itself is no loss: the run gets another', async () => {
    const before = await childrenOf(process.pid);
    supervisors.prepare(room.script('echo up >> up; [ -e second ] && cat'));
    const pid = await newChild(before);
    await gone(pid);
    await room.say('second');
    const runDir = await launched(room.script('echo up >> up; [ -e second ] && cat'), 'prompt');
    expect(await untilEnded(runDir)).toMatchObject({ code: 0 });
    expect(await room.lines('up', 2)).toEqual(['up', 'up']);
  });

  it('is not handed out when its time is over, be the timer late', async () => {
    supervisors.prepare(script());
    const [pid = ''] = await room.lines('pid', 1);
    clock.setLate(2_000);
    const runDir = await launched(script(), '');
    expect(await readOwner(runDir)).not.toMatchObject({ program: { pid: Number(pid) } });
    await untilEnded(runDir);
  });
});
