import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  guardScript,
  runScript,
  stopScript,
  sweepScript,
} from '../../../src/engine/allocation/containerScripts.ts';

describe.skipIf(process.platform === 'win32')('process 1 of a container', () => {
  let folder: string;
  let deadline: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orch-'));
    deadline = join(folder, 'deadline');
    writeFileSync(deadline, '100\n');
    program('sleep', 'exit 0');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('ends when so many looks in a row find its deadline passed', async () => {
    times(50, 200, 200, 50, 200, 200, 200, 50);
    expect(await once(guard(), 'exit')).toEqual([0, null]);
    expect(readFileSync(join(folder, 'times'), 'utf8')).toBe('50\n');
  });

  it('ends when its deadline is gone with the folder', async () => {
    times(50);
    rmSync(deadline);
    expect(await once(guard(), 'exit')).toEqual([0, null]);
  });

  it('ends at TERM, at once', async () => {
    program('sleep', 'echo waiting; exec /bin/sleep 3');
    const process = guard();
    await once(process.stdout, 'data');
    const ended = once(process, 'exit');
    process.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  /** What the clock says at one look after the other. */
  function times(...seconds: readonly number[]): void {
    writeFileSync(join(folder, 'times'), seconds.map((each) => `${each}\n`).join(''));
    program('date', `cd '${folder}' && head -n 1 times && tail -n +2 times >rest && mv rest times`);
  }

  function program(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  function guard() {
    return spawn('sh', ['-c', guardScript, 'guard', deadline, '30', '3'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
  }
});

describe.skipIf(process.platform === 'win32')('scripts that kill everything around them', () => {
  it.each([
    ['run', runScript],
    ['stop', stopScript],
    ['sweep', sweepScript],
  ])('refuse to %s outside a container', (_, script) => {
    // Only their first command is run here: if it ever lets through, the rest must not happen on this machine.
    const guard = script.split('\n').find((line) => line.startsWith('[ -e '));
    expect(script.trimStart().startsWith(guard ?? 'nothing')).toBe(true);
    expect(spawnSync('sh', ['-c', guard ?? '']).status).toBe(125);
  });
});
