import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { processTable } from '../../../src/engine/process/processTable.ts';
import { runFiles } from '../../../src/engine/process/runDirectory.ts';
import { Supervisors } from '../../../src/engine/process/supervisors.ts';
import { readOwner } from '../../../src/engine/process/supervisorProtocol.ts';
import { runs as isRunning, RunRoom } from '../../support/runRoom.ts';
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
  supervisors.prepare();
  return newChild(before);
}

async function supervisorOfRun(): Promise<number> {
  const runDir = await room.runDir();
  await writeFile(join(runDir, runFiles.stdin), '');
  await supervisors.launch(runDir, room.script('true'));
  const owner = await readOwner(runDir);
  if (owner?.type !== 'supervisor') throw new Error('the run has no supervisor');
  return owner.pid;
}

describe('a supervisor that was prepared', () => {
  it('gets the next run, and only that one', async () => {
    const pid = await prepared();
    supervisors.prepare();
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
