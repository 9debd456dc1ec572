import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Activity } from '../../../src/engine/claude/activity.ts';
import { runCli } from '../../../src/engine/claude/cliRun.ts';
import { cliLines } from '../../support/cliLines.ts';
import { FakeWorkspace } from '../../support/fakeWorkspace.ts';
import { SteppedClock } from '../../support/steppedClock.ts';

const env = { ANTHROPIC_API_KEY: 'sk-secret-1', CLAUDE_CODE_MAX_RETRIES: '4' };
const second = 1_000;
const minute = 60 * second;

describe('runCli', () => {
  let runDir: string;
  let workspace: FakeWorkspace;
  let clock: SteppedClock;
  let abort: AbortController;
  let activities: Activity[];
  let heard: () => void;

  beforeEach(async () => {
    runDir = await mkdtemp(join(tmpdir(), 'orch-'));
    workspace = new FakeWorkspace(runDir);
    clock = new SteppedClock(0);
    abort = new AbortController();
    activities = [];
    heard = () => {};
  });

  afterEach(() => rm(runDir, { recursive: true, force: true }));

  const run = () =>
    runCli({
      workspace,
      runDir,
      env,
      launch: async () => ({ runDir, argv: ['claude'], stdin: 'Do it.', env, timeoutMs: 1 }),
      clock,
      signal: abort.signal,
      onActivity: (activity) => {
        activities.push(activity);
        heard();
      },
    });

  /** Prints the lines and something after them, and returns when that was heard. */
  async function printed(...lines: readonly object[]): Promise<void> {
    const arrival = new Promise<void>((resolve) => {
      heard = () => {
        if (activities.at(-1)?.text === 'heard') resolve();
      };
    });
    await workspace.print(...lines, cliLines.text('heard'));
    await arrival;
    activities.pop();
  }

  it('starts the program, follows what it prints and judges it', async () => {
    const outcome = run();
    await printed(
      cliLines.init,
      cliLines.text('I look'),
      cliLines.toolUse('Read', { file_path: '/worktree/a' }),
    );
    expect(activities).toEqual([
      { type: 'says', text: 'I look' },
      { type: 'does', text: 'Read a' },
    ]);
    await workspace.print(cliLines.success);
    workspace.exits({});
    expect(await outcome).toMatchObject({ type: 'success', structuredOutput: { answer: 'yes' } });
    expect(workspace.starts).toHaveLength(1);
    expect(workspace.stops).toEqual([]);
  });

  it('reads what was printed before it followed, and the last words without an end', async () => {
    await workspace.print(cliLines.init);
    await writeFile(join(runDir, 'stdout.jsonl'), JSON.stringify(cliLines.success), { flag: 'a' });
    workspace.exits({});
    expect(await run()).toMatchObject({ type: 'success', sessionId: 'session-1' });
  });

  it('takes the last result, and none that another turn followed', async () => {
    await workspace.print(
      cliLines.init,
      cliLines.requestFailed(500, 'Internal'),
      cliLines.init,
      cliLines.success,
    );
    workspace.exits({});
    expect(await run()).toMatchObject({ type: 'success' });
    await workspace.print(cliLines.init);
    expect(await run()).toMatchObject({ type: 'failure', failure: { code: 'killed' } });
  });

  it('ends a program that does not say hello within 30 s', async () => {
    const outcome = run();
    await printed({ type: 'system', subtype: 'ui_invalidate' });
    clock.set(30 * second - 1);
    expect(workspace.stops).toEqual([]);
    clock.set(30 * second);
    expect(workspace.stops).toEqual([runDir]);
    expect(await outcome).toMatchObject({
      failure: { code: 'timeout', message: expect.stringContaining('start') },
    });
  });

  it('ends a program that is silent for 10 minutes', async () => {
    const outcome = run();
    await printed(cliLines.init);
    clock.set(9 * minute);
    await printed({ type: 'stream_event', event: {} });
    clock.set(18 * minute);
    expect(workspace.stops).toEqual([]);
    clock.set(19 * minute);
    expect(workspace.stops).toEqual([runDir]);
    expect(await outcome).toMatchObject({
      failure: { code: 'timeout', message: expect.stringContaining('life') },
    });
  });

  it('lets a shell command be silent, until its result is there', async () => {
    const outcome = run();
    await printed(
      cliLines.init,
      cliLines.toolUse('Bash', { command: 'npm test' }),
      cliLines.toolUse('Read', {}, 'toolu_2'),
    );
    clock.set(25 * minute);
    expect(workspace.stops).toEqual([]);
    await printed(cliLines.toolResult('toolu_2'));
    clock.set(50 * minute);
    expect(workspace.stops).toEqual([]);
    await printed(cliLines.toolResult('toolu_1'));
    clock.set(60 * minute);
    expect(workspace.stops).toEqual([runDir]);
    await outcome;
  });

  it('does not wait for a command that a repeated request forgot', async () => {
    const outcome = run();
    await printed(
      cliLines.init,
      cliLines.toolUse('Bash', { command: 'npm test' }),
      cliLines.retry('server_error', 500),
    );
    clock.set(10 * minute);
    expect(workspace.stops).toEqual([runDir]);
    await outcome;
  });

  it('ends a program 15 s after its result, and counts the result', async () => {
    const outcome = run();
    await printed(cliLines.init, cliLines.success);
    clock.set(15 * second - 1);
    expect(workspace.stops).toEqual([]);
    await printed({ type: 'system', subtype: 'ui_invalidate' });
    clock.set(15 * second);
    expect(workspace.stops).toEqual([runDir]);
    expect(await outcome).toMatchObject({ type: 'success' });
  });

  it('ends a program whose credentials are refused twice, but not once', async () => {
    const outcome = run();
    const refused = cliLines.retry('authentication_failed', 401);
    await printed(cliLines.init, refused);
    expect(workspace.stops).toEqual([]);
    await workspace.print(refused);
    expect(await outcome).toMatchObject({ failure: { code: 'authentication' } });
    expect(workspace.stops).toEqual([runDir]);
  });

  it('names what else the lines told: the error and when a limit resets', async () => {
    await workspace.print(
      cliLines.init,
      cliLines.rateLimit('rejected'),
      cliLines.assistantError('rate_limit'),
      { ...cliLines.requestFailed(429, 'Limit reached'), api_error: 'usage_limit_reached' },
    );
    workspace.exits({ code: 1 });
    expect(await run()).toMatchObject({ failure: { code: 'usage-limit', notBefore: 1_900_000_000_000 } });
  });

  it.each([
    // It gave up at once: asked to wait longer than it would.
    { name: 'more than a minute', retries: [], waits: 10 * minute },
    { name: 'some seconds', retries: [cliLines.retry('rate_limit', 429)], waits: 2_400 },
  ])('does not come back before the time that a service asked for: $name', async ({ retries, waits }) => {
    clock.set(5 * minute);
    await workspace.print(
      cliLines.init,
      ...retries,
      cliLines.assistantError('rate_limit'),
      cliLines.requestFailed(429, 'Slow down'),
    );
    workspace.exits({ code: 1 });
    expect(await run()).toMatchObject({ failure: { code: 'rate-limit', notBefore: 5 * minute + waits } });
  });

  it('ends a program that is too old as soon as it says its version', async () => {
    const outcome = run();
    await workspace.print({ ...cliLines.init, claude_code_version: '2.1.213' });
    expect(await outcome).toMatchObject({
      failure: { code: 'cli-unusable', message: expect.stringContaining('2.1.213 is too old') },
    });
    expect(workspace.stops).toEqual([runDir]);
  });

  it('does not mistake a warning for the limit', async () => {
    await workspace.print(
      cliLines.init,
      cliLines.rateLimit('allowed_warning'),
      cliLines.requestFailed(429, 'Slow'),
    );
    workspace.exits({ code: 1 });
    expect(await run()).toMatchObject({ failure: { code: 'rate-limit' } });
  });

  it('quotes the error output, or else what is no line of the stream', async () => {
    await workspace.print('native binary not installed');
    workspace.exits({ code: 1 });
    expect(await run()).toMatchObject({
      failure: { code: 'cli-unusable', message: expect.stringContaining('native binary not installed') },
    });
    await workspace.printError('error: unknown option\n');
    expect(await run()).toMatchObject({ failure: { message: expect.stringContaining('unknown option') } });
  });

  it('shows and returns no secret', async () => {
    const outcome = run();
    await printed(cliLines.init, cliLines.text('The key is sk-secret-1.'));
    await workspace.printError('bad key sk-secret-1');
    workspace.exits({ code: 143 });
    expect(activities).toEqual([{ type: 'says', text: 'The key is [redacted].' }]);
    expect(JSON.stringify(await outcome)).toContain('bad key [redacted]');
  });

  it('reads no file of the host in the place of the error output', async () => {
    const elsewhere = join(runDir, 'elsewhere');
    await writeFile(elsewhere, 'of the host');
    await symlink(elsewhere, join(runDir, 'stderr.log'));
    workspace.exits({ code: 1 });
    expect(JSON.stringify(await run())).not.toContain('of the host');
  });

  it('only stops following when it is told to', async () => {
    const outcome = run();
    await printed(cliLines.init);
    const reason = new Error('The engine closes');
    abort.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(workspace.stops).toEqual([]);
    clock.set(60 * minute);
    expect(workspace.stops).toEqual([]);
  });

  it('takes up a run that was started before without asking what to start', async () => {
    workspace.starts.push({ runDir, argv: ['claude'], stdin: '', env, timeoutMs: 1 });
    await workspace.print(cliLines.init, cliLines.success);
    workspace.exits({});
    const launch = () => Promise.reject(new Error('Claude Code was not found'));
    const { signal } = abort;
    expect(
      await runCli({ workspace, runDir, env, launch, clock, signal, onActivity: () => {} }),
    ).toMatchObject({
      type: 'success',
    });
  });

  it('starts nothing when it was told to stop before', async () => {
    abort.abort();
    await expect(run()).rejects.toThrow();
    expect(workspace.starts).toEqual([]);
    expect(await readdir(runDir)).toEqual([]);
  });

  it('fails when the program cannot be ended', async () => {
    const trouble = new Error('Docker is gone');
    workspace.stop = () => Promise.reject(trouble);
    const outcome = run();
    await workspace.followed;
    clock.set(30 * second);
    await expect(outcome).rejects.toBe(trouble);
  });
});
