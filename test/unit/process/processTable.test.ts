import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  isAlive,
  parsePs,
  parsePsWithVariable,
  processTable,
} from '../../../src/engine/process/processTable.ts';

describe('processTable', () => {
  it('lists this process under its parent', async () => {
    const self = (await processTable.list()).find(({ pid }) => pid === process.pid);
    expect(self).toEqual({
      pid: process.pid,
      parentPid: process.ppid,
      startTime: await processTable.startTimeOf(process.pid),
    });
  });

  it('tells a process from another one of the same number, and from none', async () => {
    const child = spawn('sleep', ['1000']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const startTime = (await processTable.startTimeOf(pid)) ?? '';
    expect(startTime).not.toBe('');
    expect(await isAlive({ pid, startTime })).toBe(true);
    expect(await isAlive({ pid, startTime: `${startTime}1` })).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await isAlive({ pid, startTime })).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'counts a zombie as gone, and reads a name with parentheses',
    async () => {
      // `exec` leaves a parent behind that never asks how its child ended; the copy's name is meant to mislead.
      const script =
        'cp "$(command -v sleep)" "$0/a) Z (b"; "$0/a) Z (b" 0 & echo $!; exec "$0/a) Z (b" 1000';
      const folder = await mkdtemp(join(tmpdir(), 'orch-'));
      const parent = spawn('sh', ['-c', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [zombie] = (await once(parent.stdout, 'data')) as [Buffer];
      await expect
        .poll(() => processTable.startTimeOf(Number(zombie.toString())), { timeout: 10_000 })
        .toBeNull();
      expect(await processTable.startTimeOf(parent.pid ?? 0)).not.toBeNull();
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      await rm(folder, { recursive: true });
    },
  );

  it('finds those with a variable, whole and not as a part of another', async () => {
    const child = spawn('sleep', ['1000'], { env: { PATH: process.env['PATH'], ORCH_TEST: 'abc' } });
    await once(child, 'spawn');
    const withVariable = async (assignment: string) =>
      processTable.withVariable(assignment, await processTable.list());
    expect((await withVariable('ORCH_TEST=abc')).has(child.pid ?? 0)).toBe(true);
    expect((await withVariable('ORCH_TEST=ab')).has(child.pid ?? 0)).toBe(false);
    expect((await withVariable('TEST=abc')).has(child.pid ?? 0)).toBe(false);
    expect((await processTable.withVariable('ORCH_TEST=abc', [])).size).toBe(0);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it.runIf(process.platform === 'linux')('knows which of two is older, within one boot', () => {
    const [older, younger] = [
      { pid: 9, startTime: 'boot:99' },
      { pid: 2, startTime: 'boot:100' },
    ];
    expect(processTable.isOlder(older, younger)).toBe(true);
    expect(processTable.isOlder(younger, older)).toBe(false);
    // In the same clock tick: nobody knows.
    expect(processTable.isOlder(older, { ...older, pid: 10 })).toBe(false);
    expect(processTable.isOlder(older, { pid: 2, startTime: 'later-boot:100' })).toBe(false);
  });
});

describe('ps output', () => {
  it('is read line by line without zombies', () => {
    const text = [
      '    1     0 Ss   Mon Nov 23 08:00:01 2026    ',
      '  501     1 S+   Mon Nov 23 08:10:59 2026    ',
      '  502   501 Z    Mon Nov 23 08:11:00 2026    ',
      '',
    ].join('\n');
    expect(parsePs(text)).toEqual([
      { pid: 1, parentPid: 0, startTime: 'Mon Nov 23 08:00:01 2026' },
      { pid: 501, parentPid: 1, startTime: 'Mon Nov 23 08:10:59 2026' },
    ]);
  });

  it('shows who has a variable', () => {
    const text = '  501 node x.js RUN=abc PATH=/bin\n  502 node RUN=abcd\n  503 sh -c true RUN=abc\n';
    expect(parsePsWithVariable(text, 'RUN=abc')).toEqual(new Set([501, 503]));
  });
});
