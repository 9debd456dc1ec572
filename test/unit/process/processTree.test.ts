import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processTable, type ProcessRef } from '../../../src/engine/process/processTable.ts';
import { endTree, findTree } from '../../../src/engine/process/processTree.ts';
import { runs, RunRoom } from '../../support/runRoom.ts';

const graceMs = 5_000;

let room: RunRoom;
let marker: string;

beforeEach(async () => {
  room = await RunRoom.open();
  marker = `ORCH_TREE=${crypto.randomUUID()}`;
});

afterEach(async () => {
  await endTree({ root: null, marker }, 0);
  await room.close();
});

async function start(script: string): Promise<ProcessRef> {
  const [name = '', value = ''] = marker.split('=');
  const child = spawn('sh', ['-c', script], {
    cwd: room.worktree,
    env: { PATH: process.env['PATH'], [name]: value },
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return { pid, startTime: (await processTable.startTimeOf(pid)) ?? '' };
}

const pidsOf = (processes: readonly ProcessRef[]) =>
  processes.map(({ pid }) => pid).toSorted((a, b) => a - b);
const numbers = (lines: readonly string[]) => lines.map(Number).toSorted((a, b) => a - b);

describe('findTree', () => {
  it('finds descendants that dropped the marker and marked ones that left the tree', async () => {
    const root = await start(
      'env -i sleep 1000 & echo $! >> pids; sh -c "setsid sleep 1000 & echo \\$! >> pids"; echo $$ >> pids; wait',
    );
    const pids = numbers(await room.lines('pids', 3));
    expect(pidsOf(await findTree({ root, marker }, []))).toEqual(pids);
  });

  it('keeps known processes that can no longer be reached', async () => {
    const root = await start('env -i sh -c "echo \\$\\$ >> pids; exec sleep 1000" & wait');
    const [pid = ''] = await room.lines('pids', 1);
    const known = await findTree({ root, marker }, []);
    process.kill(root.pid, 'SIGKILL');
    await expect.poll(() => runs(root.pid), { timeout: 10_000 }).toBe(false);
    expect(pidsOf(await findTree({ root, marker }, []))).toEqual([]);
    expect(pidsOf(await findTree({ root, marker }, known))).toEqual([Number(pid)]);
    process.kill(Number(pid), 'SIGKILL');
  });
});

describe('endTree', { timeout: 30_000 }, () => {
  it('asks the root alone first, so that it can end its children in its own way', async () => {
    const root = await start(`
      (trap 'echo child asked >> log' TERM; echo up >> up; while :; do sleep 0.05; done) & child=$!
      trap 'echo root asked >> log; kill -9 $child; exit' TERM; echo up >> up; while :; do sleep 0.05; done
    `);
    await room.lines('up', 2);
    expect(await endTree({ root, marker }, graceMs)).toEqual([]);
    expect(await room.lines('log', 1)).toEqual(['root asked']);
  });

  it('asks what the root left behind before it kills', async () => {
    const root = await start(`
      (trap 'echo asked >> log; exit' TERM; echo up >> up; while :; do sleep 0.05; done) &
      echo up >> up; exec sleep 1000
    `);
    await room.lines('up', 2);
    expect(await endTree({ root, marker }, graceMs)).toEqual([]);
    expect(await room.lines('log', 1)).toEqual(['asked']);
  });

  it('catches a program that multiplies while it is being killed', async () => {
    const root = await start('echo up >> up; trap "" TERM; while :; do sleep 1000 & sleep 0.02; done');
    await room.lines('up', 1);
    expect(await endTree({ root, marker }, 100)).toEqual([]);
    expect(await processTable.withVariable(marker, await processTable.list())).toEqual(new Set());
  });

  it('has nothing to do for a tree that is gone', async () => {
    const gone = { pid: process.pid, startTime: 'an earlier time' };
    expect(await endTree({ root: gone, marker }, graceMs)).toEqual([]);
  });
});
