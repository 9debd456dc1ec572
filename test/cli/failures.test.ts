import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/engine/claude/watchdog.ts';
import type { FailureCode } from '../../src/engine/domain/outcome.ts';
import { CliRoom, type CliRoomReport } from '../support/cliRoom.ts';
import { inTurn, type Step } from '../support/scriptedMessagesApi.ts';

const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
const handIn: Step = {
  type: 'answer',
  text: 'Done.',
  tools: [{ name: 'StructuredOutput', input: { answer: 'yes' } }],
};
const look: Step = {
  type: 'answer',
  text: 'I look.',
  tools: [{ name: 'Read', input: { file_path: 'text.txt' } }],
};

describe('failures of the real CLI', () => {
  let room: CliRoom;

  beforeEach(async () => {
    room = await CliRoom.open({ 'text.txt': 'text\n' });
  });

  afterEach(() => room.close());

  it.each<{ readonly name: string; readonly step: Step; readonly code: FailureCode }>([
    { name: 'an error 400', step: { type: 'error', status: 400 }, code: 'request-rejected' },
    {
      name: 'an empty account',
      step: {
        type: 'error',
        status: 400,
        message: 'Your credit balance is too low to access the Anthropic API.',
      },
      code: 'billing',
    },
    {
      name: 'a prompt too long',
      step: { type: 'error', status: 400, message: 'prompt is too long: 300000 tokens > 200000 maximum' },
      code: 'prompt-too-long',
    },
    { name: 'an error 403', step: { type: 'error', status: 403 }, code: 'request-rejected' },
    { name: 'an unknown model', step: { type: 'error', status: 404 }, code: 'request-rejected' },
    { name: 'an error 429', step: { type: 'error', status: 429 }, code: 'rate-limit' },
    { name: 'an error 500', step: { type: 'error', status: 500 }, code: 'server-error' },
    { name: 'an error 529', step: { type: 'error', status: 529 }, code: 'overloaded' },
    { name: 'a refused connection', step: { type: 'cut', after: 'connect' }, code: 'network' },
    { name: 'a connection that breaks', step: { type: 'cut', after: 'text' }, code: 'network' },
    { name: 'a captive portal', step: { type: 'page', html: '<html>Sign in</html>' }, code: 'network' },
    { name: 'a model that hands nothing in', step: { type: 'answer', text: 'Fine.' }, code: 'no-verdict' },
    {
      name: 'a model that hands in nonsense',
      step: { type: 'answer', tools: [{ name: 'StructuredOutput', input: { no: 'answer' } }] },
      code: 'no-verdict',
    },
  ])('names $name $code', async ({ step, code }) => {
    const report = await room.run({
      stage: 'qa',
      schema,
      model: inTurn(step),
      env: { CLAUDE_CODE_MAX_RETRIES: '0' },
    });
    expect(failureOf(report).code).toBe(code);
    expect(report.outcome).toMatchObject({ sessionId: expect.any(String), cliVersion: expect.any(String) });
  });

  it('gives up on refused credentials within seconds, whatever the CLI would do', async () => {
    const report = await room.run({
      stage: 'qa',
      schema,
      model: inTurn({ type: 'error', status: 401, message: 'invalid x-api-key' }),
      env: { CLAUDE_CODE_MAX_RETRIES: '10' },
    });
    expect(failureOf(report)).toMatchObject({
      code: 'authentication',
      remedy: expect.stringContaining('Sign in'),
    });
    expect(report.api.requests.length).toBeLessThan(5);
    expect(report.activities).toContainEqual({ type: 'waits', text: expect.stringContaining('(401)') });
  });

  it('asks for credentials when there are none', async () => {
    const env = { ANTHROPIC_API_KEY: '' };
    const report = await room.run({ stage: 'qa', schema, model: inTurn(handIn), env });
    expect(failureOf(report).code).toBe('authentication');
    expect(report.api.requests).toEqual([]);
  });

  it('says that an error which the CLI overcame is no failure', async () => {
    const model = inTurn({ type: 'error', status: 500 }, handIn);
    const report = await room.run({ stage: 'qa', schema, model });
    expect(report.outcome).toMatchObject({ type: 'success', structuredOutput: { answer: 'yes' } });
    expect(report.activities).toContainEqual({ type: 'waits', text: expect.stringContaining('(500)') });
  });

  it('ends at the limit of turns', async () => {
    const report = await room.run({ stage: 'qa', schema, model: inTurn(look), settings: { maxTurns: 2 } });
    expect(failureOf(report).code).toBe('turns');
    expect(report.outcome.costUsd).toBeGreaterThan(0);
  });

  it('ends at the limit of the budget', async () => {
    const dear: Step = { ...look, usage: { input_tokens: 900_000 } };
    const settings = { maxBudgetUsd: 0.01 };
    const report = await room.run({ stage: 'qa', schema, model: inTurn(dear), settings });
    expect(failureOf(report).code).toBe('budget');
  });

  it('is killed when someone ends it', async () => {
    const report = await room.run({
      stage: 'qa',
      schema,
      model: inTurn(look, { type: 'hang', after: 'connect' }),
      onActivity: ({ type }, workspace) => {
        if (type === 'does') workspace.kill('SIGTERM');
      },
    });
    expect(failureOf(report)).toMatchObject({ code: 'killed', message: expect.stringContaining('143') });
  });

  it('cannot start with an argument that it refuses', async () => {
    const report = await room.run({ stage: 'qa', schema: { type: 'no such type' }, model: inTurn(handIn) });
    expect(failureOf(report)).toMatchObject({
      code: 'cli-unusable',
      message: expect.stringMatching(/schema/i),
    });
    expect(report.outcome).toMatchObject({ sessionId: null, cliVersion: null });
  });

  it('is ended when the service only keeps the connection alive', async () => {
    const report = await room.run({
      stage: 'qa',
      schema,
      model: inTurn({ type: 'hang', after: 'pings' }),
      limits: { ...defaultLimits, inactivityMs: 1_500 },
    });
    expect(failureOf(report)).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('sign of life'),
    });
  });
});

function failureOf({ outcome }: CliRoomReport) {
  if (outcome.type !== 'failure') throw new Error('The run succeeded');
  return outcome.failure;
}
