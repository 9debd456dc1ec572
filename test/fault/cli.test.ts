import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CliOutcome } from '../../src/engine/claude/outcome.ts';
import type { CliLimits } from '../../src/engine/claude/watchdog.ts';
import { failurePolicies } from '../../src/engine/domain/policy.ts';
import type { FailureCode } from '../../src/engine/domain/outcome.ts';
import { processesOf } from '../support/aftermath.ts';
import { CliRoom, type CliRoomRun } from '../support/cliRoom.ts';
import { runsOf } from '../support/heldTask.ts';
import { MisbehavingCli } from '../support/misbehavingCli.ts';
import { runs } from '../support/runRoom.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene as FullScene } from '../support/scene.ts';
import { inTurn, type Step } from '../support/scriptedMessagesApi.ts';

type Ending = 'success' | FailureCode;

interface Misbehaviour {
  readonly name: string;
  /** JavaScript in the place of the CLI; see `MisbehavingCli`. */
  readonly script: string;
  readonly ending: Ending;
  readonly limits?: Partial<CliLimits>;
  readonly timeoutMs?: number;
  readonly says?: RegExp;
  /** Files in which the script leaves ids of processes that must be gone. */
  readonly gone?: readonly string[];
}

const misbehaviours: readonly Misbehaviour[] = [
  {
    name: 'a program that only says that it was not installed whole',
    script: `process.stderr.write('claude native binary not installed\\n'); process.exit(1);`,
    ending: 'cli-unusable',
    says: /native binary not installed/,
  },
  {
    name: 'one that never says hello',
    script: `print('Loading...\\n'); stay();`,
    limits: { startMs: 500 },
    ending: 'timeout',
    says: /did not start in time.*Loading/,
  },
  {
    name: 'one that falls silent and ignores SIGTERM, as its child does',
    script: `
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
      const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { detached: true, stdio: 'ignore' });
      writeFileSync('program', String(process.pid));
      writeFileSync('child', String(child.pid));
      say(init, text);
      stay();`,
    limits: { inactivityMs: 500 },
    ending: 'timeout',
    says: /no sign of life/,
    gone: ['program', 'child'],
  },
  {
    name: 'one that stays after its result',
    script: `writeFileSync('program', String(process.pid)); say(init, text, success); stay();`,
    limits: { exitAfterResultMs: 500 },
    ending: 'success',
    gone: ['program'],
  },
  {
    name: 'one that takes back a good result',
    script: `say(init, success, init, { ...success, is_error: true, terminal_reason: 'api_error', api_error_status: 500 });`,
    ending: 'server-error',
  },
  {
    name: 'one that mends a bad result',
    script: `say(init, { ...success, is_error: true, terminal_reason: 'api_error' }, init, success);`,
    ending: 'success',
  },
  {
    name: 'one that begins another turn after its result and is gone',
    script: `say(init, success, init);`,
    ending: 'killed',
  },
  {
    name: 'one that prints a line of 64 MB',
    script: `say(init, { type: 'user', message: { content: 'x'.repeat(64 * 1024 * 1024) } }, success);`,
    ending: 'success',
  },
  {
    name: 'one that prints bytes that are no UTF-8',
    script: `say(init); print([0xff, 0xc3, 0x28, 0x00, 0x0a]); print([0x22, 0xe2, 0x82]); print('\\n'); say(success);`,
    ending: 'success',
  },
  {
    name: 'one that says things nobody knows yet',
    script: `say({ type: 'hologram', of: [1] }, init, { type: 'system', subtype: 'dreams' }, [], null, 7, success);`,
    ending: 'success',
  },
  {
    name: 'one whose lines have other types in their fields',
    script: `say({ ...init, tools: 'all' }, { type: 'result', is_error: 'no' }, { type: 'assistant', message: 5 });`,
    ending: 'killed',
  },
  {
    name: 'one that is cut off in the middle of its result',
    script: `say(init); print(JSON.stringify(success).slice(0, -5)); process.kill(process.pid, 'SIGKILL');`,
    ending: 'killed',
    says: /SIGKILL/,
  },
  {
    name: 'one that is older than what is supported',
    script: `writeFileSync('program', String(process.pid)); say({ ...init, claude_code_version: '2.0.76' }); stay();`,
    ending: 'cli-unusable',
    says: /2\.0\.76 is too old/,
    gone: ['program'],
  },
  {
    name: 'one that talks on and on',
    script: `writeFileSync('program', String(process.pid)); say(init); setInterval(() => say(text), 20);`,
    timeoutMs: 1_500,
    ending: 'timeout',
    says: /longer than its time limit/,
    gone: ['program'],
  },
  {
    name: 'one that crashes after a good result',
    script: `say(init, success); process.abort();`,
    ending: 'success',
  },
  {
    name: 'one that exits with 0 and without a word',
    script: ``,
    ending: 'killed',
  },
  {
    name: 'one that exits with 0 and did nothing',
    script: `say(init, { ...success, terminal_reason: null, num_turns: 0, structured_output: undefined });`,
    ending: 'no-verdict',
  },
  {
    name: 'one that leaves children behind, in sessions of their own and holding its output',
    script: `
      const orphan = spawn('sh', ['-c', 'setsid sleep 3600 & echo $! > left; setsid sleep 3601 >/dev/null 2>&1 & echo $! > quiet'], { stdio: 'inherit' });
      orphan.on('exit', () => { say(init, success); });`,
    ending: 'success',
    gone: ['left', 'quiet'],
  },
];

describe('a program in the place of the CLI', { timeout: 60_000 }, () => {
  let cli: MisbehavingCli;

  beforeEach(async () => {
    cli = await MisbehavingCli.open();
  });

  afterEach(() => cli.close());

  it.each(misbehaviours)('$name: $ending', async ({ script, ending, limits, timeoutMs, says, gone = [] }) => {
    const outcome = await cli.play(script, limits, timeoutMs);
    expect(endingOf(outcome)).toBe(ending);
    if (says !== undefined)
      expect(outcome).toMatchObject({ failure: { message: expect.stringMatching(says) } });
    for (const file of gone) expect(await runs(await cli.number(file)), file).toBe(false);
  });

  it('is named when it is missing, before anything is started', async () => {
    await expect(cli.run('/nowhere/claude')).rejects.toMatchObject({ code: 'environment' });
  });

  it('is named when the worktree is missing', async () => {
    await rm(cli.room.worktree, { recursive: true });
    await expect(cli.play('say(init, success);')).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('working directory'),
    });
  });
});

const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
const handIn: Step = {
  type: 'answer',
  text: 'Done.',
  tools: [{ name: 'StructuredOutput', input: { answer: 'yes' } }],
};
const bash = (command: string): Step => ({
  type: 'answer',
  text: 'I run it.',
  tools: [{ name: 'Bash', input: { command, description: 'Run a command' } }],
});

interface Scene extends Partial<CliRoomRun> {
  readonly name: string;
  readonly steps: readonly [Step, ...Step[]];
  readonly ending: Ending;
}

const waits = 'node -e "setTimeout(() => {}, 1500)"';

const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;

const scenes: readonly Scene[] = [
  { name: 'an error 402', steps: [{ type: 'error', status: 402 }], ending: 'billing' },
  { name: 'an error 413', steps: [{ type: 'error', status: 413 }], ending: 'prompt-too-long' },
  { name: 'an error 502', steps: [{ type: 'error', status: 502 }], ending: 'server-error' },
  { name: 'an error 503', steps: [{ type: 'error', status: 503 }], ending: 'server-error' },
  { name: 'an error 504', steps: [{ type: 'error', status: 504 }], ending: 'server-error' },
  { name: 'an error 529, once', steps: [{ type: 'error', status: 529 }, handIn], ending: 'success' },
  {
    name: 'an overload in the middle of every stream',
    steps: [{ type: 'stream-error', errorType: 'overloaded_error' }],
    ending: 'overloaded',
  },
  {
    name: 'an overload in the middle of one stream',
    steps: [{ type: 'stream-error', errorType: 'overloaded_error' }, handIn],
    ending: 'success',
  },
  {
    name: 'a stream that falls silent',
    steps: [{ type: 'hang', after: 'text' }, handIn],
    env: { CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '1000' },
    ending: 'success',
  },
  {
    name: 'an answer that is cut off at its length',
    steps: [{ type: 'answer', text: 'I was about', stopReason: 'max_tokens' }, handIn],
    ending: 'success',
  },
  {
    name: 'a model that refuses',
    steps: [{ type: 'answer', text: 'No.', stopReason: 'refusal' }],
    ending: 'request-rejected',
  },
  {
    name: 'a model that refuses once',
    steps: [{ type: 'answer', text: 'No.', stopReason: 'refusal' }, handIn],
    ending: 'success',
  },
  {
    name: 'no answer at all',
    steps: [{ type: 'hang', after: 'connect' }],
    env: { API_TIMEOUT_MS: '1000', CLAUDE_CODE_MAX_RETRIES: '0' },
    ending: 'network',
  },
  { name: 'an empty answer', steps: [{ type: 'answer', text: '' }], ending: 'no-verdict' },
  {
    name: 'a stream that broke once',
    steps: [{ type: 'cut', after: 'text' }, handIn],
    ending: 'success',
  },
  {
    name: 'a command that the model wants in the background',
    steps: [
      {
        type: 'answer',
        tools: [
          {
            name: 'Bash',
            input: { command: waits, description: 'Wait', run_in_background: true },
          },
        ],
      },
      handIn,
    ],
    stage: 'implementation',
    testCommand: waits,
    ending: 'success',
  },
  {
    name: 'a usage limit of a subscription',
    steps: [
      {
        type: 'error',
        status: 429,
        headers: {
          'anthropic-ratelimit-unified-status': 'rejected',
          'anthropic-ratelimit-unified-reset': String(inAnHour),
          'anthropic-ratelimit-unified-representative-claim': 'five_hour',
        },
      },
    ],
    env: { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-made-up-for-tests' },
    ending: 'usage-limit',
  },
  {
    name: 'an interruption by SIGINT, after which the CLI exits with 0',
    steps: [bash('sleep 60')],
    stage: 'implementation',
    settings: { allowedTools: ['Bash(sleep *)'] },
    onActivity: ({ text }, workspace) => {
      if (text.includes('sleep 60')) workspace.kill('SIGINT');
    },
    ending: 'killed',
  },
];

describe('the real CLI, where the service or the machine misbehaves', () => {
  let room: CliRoom;

  beforeEach(async () => {
    room = await CliRoom.open({ 'text.txt': 'text\n' });
  });

  afterEach(() => room.close());

  it.each(scenes)('$name: $ending', async ({ steps, ending, ...options }) => {
    const report = await room.run({
      stage: 'qa',
      schema,
      model: inTurn(...steps),
      ...options,
    });
    expect(endingOf(report.outcome)).toBe(ending);
    // Interrupted, it may or may not come to say one.
    expect(report.messages.filter(({ type }) => type === 'result').length).toBeLessThan(2);
    if (ending === 'usage-limit')
      expect(report.outcome).toMatchObject({ failure: { notBefore: inAnHour * 1_000 } });
  });

  it('does not come back at once where the service asked for an hour', async () => {
    const before = Date.now();
    const { outcome, api } = await room.run({
      stage: 'qa',
      schema,
      model: inTurn({ type: 'error', status: 429, headers: { 'retry-after': '3600' } }),
      env: { CLAUDE_CODE_MAX_RETRIES: '4' },
    });
    expect(api.conversation).toHaveLength(1);
    if (outcome.type !== 'failure') throw new Error('The run succeeded');
    expect(outcome.failure.code).toBe('rate-limit');
    expect(outcome.failure.notBefore).toBeGreaterThanOrEqual(before + 10 * 60_000);
  });
});

describe('the real CLI, killed where it cannot clear up', () => {
  it('takes the command that it was running along, and its stage is run again', async () => {
    let asked = false;
    const script = sampleScript('Slug it', 'right-at-once', ({ stage, turn }) => {
      if (stage !== 'implementation' || turn !== 0 || asked) return null;
      asked = true;
      return bash('sleep 98764');
    });
    const scene = await FullScene.make('process', [script]);
    const settings = { stages: { implementation: { allowedTools: ['Bash(sleep *)'] } } };
    const path = await scene.write('settings.json', JSON.stringify(settings));
    const host = scene.task('run', 'Slug it', '--settings', path);
    const running = async (pattern: RegExp) =>
      (await processesOf(scene)).filter(({ command }) => pattern.test(command));
    const sleeping = () => running(/^sleep 98764$/);
    await expect.poll(sleeping, { timeout: 60_000 }).toHaveLength(1);
    const [cli] = await running(/^\S*claude\S* -p .*--session-id/);
    if (cli === undefined) throw new Error('nothing runs the CLI');
    process.kill(cli.pid, 'SIGKILL');
    const [task] = (await scene.done(host, 0)).finals();
    expect(task === undefined ? [] : runsOf(task)).toEqual([
      'specification 1 success',
      'implementation 1 killed',
      'implementation 2 success',
      'qa 1 success',
    ]);
    expect(await sleeping()).toEqual([]);
  });
});

function endingOf(outcome: CliOutcome): Ending {
  if (outcome.type === 'failure') expect(failurePolicies[outcome.failure.code]).toBeDefined();
  return outcome.type === 'success' ? 'success' : outcome.failure.code;
}
