import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProcessIsolation } from '../../../src/engine/allocation/processIsolation.ts';
import { leaseIdOf } from '../../../src/engine/domain/ids.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type { Launch, Workspace } from '../../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { readExitRecord, runFiles } from '../../../src/engine/process/runDirectory.ts';
import { systemClock } from '../../../src/engine/systemClock.ts';
import { runs as isRunning, RunRoom, waitFor } from '../../support/runRoom.ts';
import { BundledSupervisor } from '../../support/supervisorProgram.ts';

let program: BundledSupervisor;
let room: RunRoom;
let claude: string;

beforeAll(async () => {
  program = await BundledSupervisor.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  room = await RunRoom.open();
  claude = await executable('claude', 'echo "2.1.330 (Claude Code)"');
});

afterEach(async () => {
  await engine().reap(new Set());
  await room.close();
});

async function executable(name: string, script: string): Promise<string> {
  const path = join(room.path, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** An engine's isolation; a second one stands for the engine after a restart. */
function engine(findClaude: () => Promise<string | null> = () => Promise.resolve(claude)): ProcessIsolation {
  return new ProcessIsolation({
    nodePath: program.nodePath,
    supervisorPath: program.supervisorPath,
    leasesDir: join(room.path, 'leases'),
    clock: systemClock,
    logger: silentLogger,
    findClaude,
  });
}

const never = new AbortController().signal;

const acquire = (isolation: ProcessIsolation, generation: number, claudePath: string | null = null) =>
  isolation.acquire(room.leaseRequest(leaseIdOf(8081, generation), claudePath), never);

async function launch(workspace: Workspace, script: string, env: Launch['env'] = {}): Promise<string> {
  const runDir = await room.runDir();
  await workspace.start({ runDir, argv: ['sh', '-c', script], stdin: '', env, timeoutMs: 60_000 });
  return runDir;
}

const environmentError = (words: RegExp) => (error: unknown) =>
  OrchestratorError.is(error, 'environment') && words.test(error.message) && error.remedy !== undefined;

describe('a workspace on the host', { timeout: 60_000 }, () => {
  it('is the worktree itself, without a container', async () => {
    const workspace = await acquire(engine(), 1);
    expect(workspace).toMatchObject({ isolation: 'process', containerPort: null });
    expect(await workspace.claude()).toBe(claude);
    expect(workspace.worktreePath).toBe(room.worktree);
    expect(workspace.pathInside(join(room.path, 'x'))).toBe(join(room.path, 'x'));
  });

  it('runs programs in the worktree with the home of the person and what the launch adds', async () => {
    const workspace = await acquire(engine(), 1);
    const runDir = await launch(workspace, 'pwd -P; echo "$HOME $LANG $NAME"', { NAME: 'value' });
    expect(await workspace.ended(runDir, never)).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect(await readFile(join(runDir, runFiles.stdout), 'utf8')).toBe(
      `${room.worktree}\n${homedir()} C.UTF-8 value\n`,
    );
  });

  it('is adopted by the next engine with its runs', async () => {
    const first = engine();
    const runDir = await launch(await acquire(first, 1), waitFor('go'));
    await first.close();
    const next = engine();
    await next.reap(new Set([leaseIdOf(8081, 1)]));
    const workspace = await acquire(next, 1);
    expect(await workspace.wasStarted(runDir)).toBe(true);
    await room.say('go');
    expect(await workspace.ended(runDir, never)).toEqual({ code: 0, signal: null, reason: 'exited' });
  });

  it('is adopted, and its run ended, by an engine that finds no Claude Code', async () => {
    const first = engine();
    const runDir = await launch(await acquire(first, 1), 'sleep 1000');
    await first.close();
    const workspace = await acquire(
      engine(() => Promise.resolve(null)),
      1,
    );
    await workspace.stop(runDir);
    expect(await workspace.ended(runDir, never)).toMatchObject({ reason: 'stopped' });
  });

  it('stops a run', async () => {
    const workspace = await acquire(engine(), 1);
    const runDir = await launch(workspace, 'sleep 1000');
    await workspace.stop(runDir);
    expect(await workspace.ended(runDir, never)).toMatchObject({ reason: 'stopped' });
  });

  it('starts an expected program before its run, with what it is started with then', async () => {
    const isolation = engine();
    const workspace = await acquire(isolation, 1);
    const argv = ['sh', '-c', 'echo $$ > pid; echo "$NAME"; cat'] as const;
    const env = { NAME: 'value' };
    await workspace.expectRun(async () => ({ argv, env }));
    const [pid = ''] = await room.lines('pid', 1);
    const runDir = await room.runDir();
    await workspace.start({ runDir, argv, env, stdin: 'prompt', timeoutMs: 60_000 });
    expect(await workspace.ended(runDir, never)).toEqual({ code: 0, signal: null, reason: 'exited' });
    expect(await readFile(join(runDir, runFiles.stdout), 'utf8')).toBe('value\nprompt');
    expect(await room.lines('pid', 1)).toEqual([pid]);
    await isolation.close();
  });

  it('leaves no expected program behind when its lease is released', async () => {
    const isolation = engine();
    const workspace = await acquire(isolation, 1);
    await workspace.expectRun(async () => ({ argv: ['sh', '-c', 'echo $$ > pid; cat'], env: {} }));
    const [pid = ''] = await room.lines('pid', 1);
    await isolation.release(leaseIdOf(8081, 1));
    expect(await isRunning(pid)).toBe(false);
    await isolation.close();
  });

  it('starts nothing once its lease is released', async () => {
    const isolation = engine();
    const workspace = await acquire(isolation, 1);
    await isolation.release(leaseIdOf(8081, 1));
    await expect(launch(workspace, 'echo ran > ran')).rejects.toThrow(/lease was released/);
    expect(await readdir(room.worktree)).toEqual([]);
  });
});

describe('releasing', { timeout: 60_000 }, () => {
  it('stops what still runs in that lease and leaves others alone', async () => {
    const isolation = engine();
    const mine = await launch(await acquire(isolation, 1), 'sleep 1000');
    const over = await launch(await acquire(isolation, 1), 'exit 5');
    await (await acquire(isolation, 1)).ended(over, never);
    const other = await launch(await acquire(isolation, 2), waitFor('go'));
    await isolation.release(leaseIdOf(8081, 1));
    expect(await readExitRecord(mine)).toMatchObject({ reason: 'stopped' });
    expect(await readExitRecord(over)).toMatchObject({ code: 5 });
    expect(await readExitRecord(other)).toBeNull();
    await isolation.release(leaseIdOf(8081, 1));
  });

  it('by a later engine, of all leases but the live ones, leaves nothing running', async () => {
    const first = engine();
    const dead = await launch(await acquire(first, 1), 'setsid sleep 1000 & echo $! >> pids; sleep 1000');
    await room.lines('pids', 1);
    const live = await launch(await acquire(first, 2), waitFor('go'));
    // A crash in the middle of writing a line.
    await writeFile(join(room.path, 'leases', '8081.1.runs'), '\n"/cut/sho', { flag: 'a' });
    const next = engine();
    await next.reap(new Set([leaseIdOf(8081, 2)]));
    expect(await readExitRecord(dead)).toMatchObject({ reason: 'stopped' });
    expect(await readExitRecord(live)).toBeNull();
    expect(await readdir(join(room.path, 'leases'))).toEqual(['8081.2.runs']);
  });
});

describe('the Claude Code executable', () => {
  it('is the one given before the one found', async () => {
    const given = await executable('other-claude', 'true');
    expect(await (await acquire(engine(), 1, given)).claude()).toBe(given);
  });

  it('is never taken from the worktree, not even through a link', async () => {
    const planted = join(room.worktree, 'claude');
    await writeFile(planted, '#!/bin/sh\n');
    await chmod(planted, 0o755);
    const link = join(room.path, 'link');
    await symlink(planted, link);
    for (const path of [planted, link, 'claude']) {
      await expect((await acquire(engine(), 1, path)).claude()).rejects.toSatisfy(
        environmentError(/cannot be used as Claude Code/),
      );
    }
  });

  it('is found on the search path', async () => {
    const before = process.env['PATH'];
    const bin = join(room.path, 'bin');
    await mkdir(bin);
    await symlink(claude, join(bin, 'claude'));
    process.env['PATH'] = `${room.worktree}:${bin}:${before}`;
    try {
      const isolation = new ProcessIsolation({
        nodePath: program.nodePath,
        supervisorPath: program.supervisorPath,
        leasesDir: join(room.path, 'leases'),
        clock: systemClock,
        logger: silentLogger,
      });
      expect(await (await acquire(isolation, 1)).claude()).toBe(join(bin, 'claude'));
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('must be there', async () => {
    const isolation = engine(() => Promise.resolve(null));
    await expect((await acquire(isolation, 1)).claude()).rejects.toSatisfy(environmentError(/not found/));
    await expect(isolation.check({ claudePath: null, baseUrl: null })).rejects.toSatisfy(
      environmentError(/not found/),
    );
  });
});

describe('check', { timeout: 40_000 }, () => {
  it.each(['2.1.214', '2.2.0', '3.0.0-beta.1'])('accepts version %s', async (version) => {
    await executable('claude', `echo "${version} (Claude Code)"`);
    await expect(engine().check({ claudePath: null, baseUrl: null })).resolves.toBeUndefined();
  });

  it.each(['2.1.213', '2.0.999', '1.9.300'])('refuses version %s as too old', async (version) => {
    await executable('claude', `echo "${version} (Claude Code)"`);
    await expect(engine().check({ claudePath: null, baseUrl: null })).rejects.toSatisfy(
      environmentError(/too old: 2\.1\.214/),
    );
  });

  it('says what a program said that cannot tell its version', async () => {
    await executable('claude', 'echo "native binary not installed" >&2; exit 1');
    await expect(engine().check({ claudePath: null, baseUrl: null })).rejects.toSatisfy(
      environmentError(/ended with 1: native binary not installed/),
    );
  });

  it.each([
    ['not an address', /is not an address/],
    ['ftp://gateway.example.com', /address of the web/],
    ['http://me:sk-ant-0123@gateway.example.com', /user name or password/],
  ])('refuses %s as the address of the service, without quoting it', async (baseUrl, words) => {
    const refusal = engine().check({ claudePath: null, baseUrl });
    await expect(refusal).rejects.toSatisfy(environmentError(words));
    await expect(refusal).rejects.toThrow(expect.not.stringContaining('sk-ant-0123') as string);
  });

  it('says that a given program is missing', async () => {
    const path = join(room.path, 'none');
    await expect(engine().check({ claudePath: path, baseUrl: null })).rejects.toSatisfy(
      environmentError(/none cannot be used/),
    );
  });
});
