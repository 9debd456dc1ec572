import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { execute, executeThrough } from '../../../src/engine/process/exec.ts';
import { Launcher } from '../../../src/engine/process/launcher.ts';
import { runs as isRunning } from '../../support/runRoom.ts';
import { bundle } from '../../support/supervisorProgram.ts';

const linux = process.platform === 'linux';

let folder: string;
let launcherPath: string;
let launcher: Launcher;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-'));
  launcherPath = join(folder, 'launcher.js');
  await bundle('src/engine/process/launcherProgram.ts', launcherPath);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  launcher = new Launcher({ nodePath: process.execPath, launcherPath });
});

afterEach(() => {
  launcher.close();
});

const gone = (pid: number | null): Promise<void> =>
  vi.waitFor(async () => expect(pid !== null && (await isRunning(pid))).toBe(false), { timeout: 10_000 });

describe('programs started through a launcher', () => {
  it('have the same outcome as without: exit code, streams, input, folder, environment', async () => {
    const script = 'cat; pwd; echo "$NAME" >&2; exit 3';
    const options = { cwd: folder, env: { NAME: 'ä value' }, input: 'größe\n' };
    const here = await execute('sh', ['-c', script], options);
    expect(here).toEqual({ exitCode: 3, stdout: `größe\n${folder}\n`, stderr: 'ä value\n' });
    expect(await launcher.execute('sh', ['-c', script], options)).toEqual(here);
  });

  it('get this process’s environment, or exactly the given one, and their folder where none is given', async () => {
    vi.stubEnv('OF_THIS_PROCESS', 'yes');
    const print = ['-c', 'env; pwd'];
    expect((await launcher.execute('sh', print, { env: { MORE: '1' } })).stdout).toMatch(
      /OF_THIS_PROCESS=yes[^]*MORE=1|MORE=1[^]*OF_THIS_PROCESS=yes/,
    );
    const { stdout } = await launcher.execute('/bin/sh', print, { env: { ONLY: 'this' }, extendEnv: false });
    expect(stdout).toContain('ONLY=this');
    expect(stdout).not.toMatch(/OF_THIS_PROCESS|ELECTRON/);
    expect(stdout).toContain(`${process.cwd()}\n`);
  });

  it('run side by side, each with its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => launcher.execute('echo', [String(index)], {})),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index}\n`),
    );
  });

  it('fail by the same names', async () => {
    await expect(launcher.execute('no-such-program-here', [], {})).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('no such program'),
      remedy: expect.stringContaining('no-such-program-here'),
    });
    await expect(launcher.execute('sleep', ['100'], { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  it('end with all that they started when they are aborted', async () => {
    const stop = new AbortController();
    const pids = join(folder, 'pids');
    await writeFile(pids, '');
    const script = `sleep 1000 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`;
    const running = launcher.execute('sh', ['-c', script], { signal: stop.signal });
    const started = await vi.waitFor(async () => {
      const lines = (await readFile(pids, 'utf8')).trim().split('\n');
      expect(lines).toHaveLength(2);
      return lines.map(Number);
    });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'killed' });
    for (const pid of started) await gone(pid);
  });

  it('are started by this process again once the launcher is taken back', async () => {
    const takeBack = executeThrough((...program) => launcher.execute(...program));
    const parent = async (): Promise<number> =>
      Number((await execute('sh', ['-c', 'echo $PPID'])).stdout.trim());
    expect(await parent()).toBe(launcher.pid);
    takeBack();
    expect(await parent()).toBe(process.pid);
  });
});

describe('a launcher', () => {
  it('that is killed fails what it was asked, and the next program is started by a new one', async () => {
    const running = launcher.execute('sh', ['-c', 'kill -KILL $PPID; exec sleep 1'], {});
    await expect(running).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('SIGKILL'),
    });
    expect((await launcher.execute('echo', ['again'], {})).stdout).toBe('again\n');
  });

  it('that cannot be started says what is missing', async () => {
    const broken = new Launcher({ nodePath: process.execPath, launcherPath: join(folder, 'none.js') });
    await expect(broken.execute('true', [], {})).rejects.toMatchObject({
      code: 'environment',
      remedy: expect.stringContaining('none.js'),
    });
    const nodeless = new Launcher({ nodePath: join(folder, 'no-node'), launcherPath });
    await expect(nodeless.execute('true', [], {})).rejects.toMatchObject({
      code: 'environment',
      remedy: expect.stringContaining('no-node'),
    });
  });

  it('ends when nothing is asked of it, and comes back when something is', async () => {
    const hasty = new Launcher({ nodePath: process.execPath, launcherPath, idleMs: 50 });
    await hasty.execute('true', [], {});
    await vi.waitFor(() => expect(hasty.pid).toBeNull());
    expect((await hasty.execute('echo', ['again'], {})).stdout).toBe('again\n');
    const { pid } = hasty;
    hasty.close();
    await gone(pid);
  });

  it('that is closed tells who waits, and lets what runs come to its end', async () => {
    const file = join(folder, 'closed');
    const script = `while [ ! -e ${file}.go ]; do sleep 0.02; done; echo done > ${file}`;
    const running = launcher.execute('sh', ['-c', script], {});
    const { pid } = launcher;
    launcher.close();
    await expect(running).rejects.toMatchObject({ code: 'killed' });
    await writeFile(`${file}.go`, '');
    await gone(pid);
    expect(await readFile(file, 'utf8')).toBe('done\n');
  });

  it('ends when its engine is killed, once what runs has come to its end', async () => {
    const engine = join(folder, 'engine.cjs');
    const done = join(folder, 'done');
    await bundle('test/support/launchingEngine.ts', engine);
    const child = spawn(process.execPath, [engine, launcherPath, done], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(await isRunning(pid)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await writeFile(`${done}.go`, '');
    await gone(pid);
    expect(await readFile(done, 'utf8')).toBe('done\n');
  });

  it.runIf(linux)(
    'has nothing of this process’s environment, and no program’s in its arguments',
    async () => {
      vi.stubEnv('API_KEY', 'sk-ant-made-up-0123456789');
      await launcher.execute('true', [], { env: { OTHER_KEY: 'sk-ant-made-up-9876543210' } });
      const { pid } = launcher;
      for (const file of ['environ', 'cmdline'])
        expect(await readFile(`/proc/${pid}/${file}`, 'latin1')).not.toContain('sk-ant');
    },
  );
});
