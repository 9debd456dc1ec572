import { describe, expect, it } from 'vitest';
import { classify, type CliEvidence } from '../../../src/engine/claude/outcome.ts';
import type { CliInit, CliResult } from '../../../src/engine/claude/streamMessages.ts';
import type { FailureCode } from '../../../src/engine/domain/outcome.ts';
import type { ExitRecord } from '../../../src/engine/ports/isolation.ts';

const init: CliInit = {
  type: 'init',
  sessionId: 'session-1',
  model: 'claude-opus-5-5',
  permissionMode: 'plan',
  tools: [],
  version: '2.1.330',
};

const success: CliResult = {
  type: 'result',
  subtype: 'success',
  isError: false,
  terminalReason: 'completed',
  text: '{"answer":"yes"}',
  structuredOutput: { answer: 'yes' },
  sessionId: 'session-1',
  turns: 3,
  costUsd: 0.25,
  apiErrorStatus: null,
  apiError: null,
};

const requestFailed: CliResult = {
  ...success,
  isError: true,
  terminalReason: 'api_error',
  text: 'API Error',
  structuredOutput: undefined,
};

const executionFailed: CliResult = {
  ...requestFailed,
  subtype: 'error_during_execution',
  terminalReason: 'aborted_streaming',
};

const exit = (record: Partial<ExitRecord> = {}): ExitRecord => ({
  code: 0,
  signal: null,
  reason: 'exited',
  ...record,
});

const evidence = (known: Partial<CliEvidence> = {}): CliEvidence => ({
  exit: exit(),
  init,
  result: null,
  assistantError: null,
  limitResetsAt: null,
  waitUntil: null,
  stopped: null,
  stderrTail: '',
  ...known,
});

function failureOf(known: Partial<CliEvidence>) {
  const outcome = classify(evidence(known));
  return outcome.type === 'failure' ? outcome.failure : null;
}

describe('classify', () => {
  it('takes a completed run with its structured output as a success', () => {
    expect(classify(evidence({ result: success }))).toEqual({
      type: 'success',
      structuredOutput: { answer: 'yes' },
      sessionId: 'session-1',
      costUsd: 0.25,
      turns: 3,
      cliVersion: '2.1.330',
    });
  });

  it.each<{ readonly name: string; readonly known: Partial<CliEvidence> }>([
    {
      name: 'had to be ended after it',
      known: { stopped: 'no-exit', exit: exit({ code: 143, reason: 'stopped' }) },
    },
    {
      name: 'hung until the time limit',
      known: { exit: exit({ code: null, signal: 'SIGKILL', reason: 'timeout' }) },
    },
    { name: 'was lost after it', known: { exit: exit({ code: null, reason: 'lost' }) } },
    { name: 'came through after refused credentials', known: { stopped: 'authentication' } },
    { name: 'was nearly out of its limit', known: { limitResetsAt: 1_900_000_000 } },
  ])('judges by its good result a run that $name', ({ known }) => {
    expect(classify(evidence({ ...known, result: success })).type).toBe('success');
  });

  it.each<{ readonly name: string; readonly code: FailureCode; readonly known: Partial<CliEvidence> }>([
    // Results that are no answer, though the CLI calls them a success and exits with 0.
    {
      name: 'nothing handed in',
      code: 'no-verdict',
      known: { result: { ...success, structuredOutput: undefined } },
    },
    { name: 'null handed in', code: 'no-verdict', known: { result: { ...success, structuredOutput: null } } },
    { name: 'no turn', code: 'no-verdict', known: { result: { ...success, turns: 0 } } },
    { name: 'no reason to end', code: 'no-verdict', known: { result: { ...success, terminalReason: null } } },
    {
      name: 'another reason to end',
      code: 'no-verdict',
      known: { result: { ...success, terminalReason: 'hook' } },
    },
    // Limits.
    {
      name: 'too many turns',
      code: 'turns',
      known: { result: { ...requestFailed, subtype: 'error_max_turns', terminalReason: 'max_turns' } },
    },
    {
      name: 'too much money',
      code: 'budget',
      known: {
        result: { ...requestFailed, subtype: 'error_max_budget_usd', terminalReason: 'budget_exhausted' },
      },
    },
    {
      name: 'the wrong form five times',
      code: 'no-verdict',
      known: {
        result: {
          ...requestFailed,
          subtype: 'error_max_structured_output_retries',
          terminalReason: 'structured_output_retry_exhausted',
        },
      },
    },
    {
      name: 'a long prompt',
      code: 'prompt-too-long',
      known: { result: { ...requestFailed, terminalReason: 'prompt_too_long', apiErrorStatus: 400 } },
    },
    {
      name: 'a big image',
      code: 'prompt-too-long',
      known: { result: { ...requestFailed, terminalReason: 'image_error', apiErrorStatus: 413 } },
    },
    // Interruptions.
    { name: 'SIGINT in a stream', code: 'killed', known: { result: executionFailed } },
    {
      name: 'SIGINT in a tool',
      code: 'killed',
      known: { result: { ...executionFailed, terminalReason: 'aborted_tools' } },
    },
    {
      name: 'a broken configuration',
      code: 'cli-unusable',
      known: {
        init: null,
        result: { ...executionFailed, terminalReason: null, turns: 0 },
        exit: exit({ code: 1 }),
      },
    },
    // No result at all.
    { name: 'SIGINT at once', code: 'killed', known: { init: null } },
    { name: 'SIGTERM', code: 'killed', known: { exit: exit({ code: 143 }) } },
    {
      name: 'SIGTERM before the first line',
      code: 'killed',
      known: { init: null, exit: exit({ code: 143 }) },
    },
    { name: 'SIGHUP', code: 'killed', known: { exit: exit({ code: 129 }) } },
    { name: 'SIGKILL', code: 'killed', known: { exit: exit({ code: null, signal: 'SIGKILL' }) } },
    { name: 'a crash', code: 'killed', known: { exit: exit({ code: 1 }) } },
    { name: 'a lost run', code: 'killed', known: { init: null, exit: exit({ code: null, reason: 'lost' }) } },
    { name: 'a stopped run', code: 'killed', known: { exit: exit({ code: 143, reason: 'stopped' }) } },
    {
      name: 'a bad flag',
      code: 'cli-unusable',
      known: { init: null, exit: exit({ code: 1 }), stderrTail: 'unknown' },
    },
    { name: 'a missing program', code: 'cli-unusable', known: { init: null, exit: exit({ code: 127 }) } },
    { name: 'no program', code: 'cli-unusable', known: { init: null, exit: exit({ code: 126 }) } },
    {
      name: 'the time limit',
      code: 'timeout',
      known: { exit: exit({ code: 143, reason: 'timeout' }) },
    },
    {
      name: 'no first line',
      code: 'timeout',
      known: { init: null, stopped: 'start-timeout', exit: exit({ code: 143, reason: 'stopped' }) },
    },
    {
      name: 'no sign of life',
      code: 'timeout',
      known: { stopped: 'inactive', exit: exit({ code: 143, reason: 'stopped' }) },
    },
    {
      name: 'credentials refused twice',
      code: 'authentication',
      known: { stopped: 'authentication', exit: exit({ code: 143, reason: 'stopped' }) },
    },
  ])('finds $code in $name', ({ known, code }) => {
    expect(failureOf(known)).toMatchObject({ code, message: expect.stringMatching(/^[A-Z].*\.|It said: /) });
  });

  it.each<{
    readonly status: number | null;
    readonly code: FailureCode;
    readonly error?: string;
    readonly apiError?: string;
  }>([
    { status: null, error: 'authentication_failed', code: 'authentication' },
    { status: 401, error: 'authentication_failed', code: 'authentication' },
    { status: 403, error: 'authentication_failed', code: 'request-rejected' },
    { status: 400, error: 'billing_error', code: 'billing' },
    { status: 402, code: 'billing' },
    { status: 400, error: 'invalid_request', code: 'request-rejected' },
    { status: 404, error: 'model_not_found', code: 'request-rejected' },
    { status: 413, code: 'prompt-too-long' },
    { status: 422, code: 'request-rejected' },
    { status: 429, error: 'rate_limit', code: 'rate-limit' },
    { status: 429, error: 'rate_limit', apiError: 'usage_limit_reached', code: 'usage-limit' },
    { status: 500, error: 'server_error', code: 'server-error' },
    { status: 502, code: 'server-error' },
    { status: 503, code: 'server-error' },
    { status: 504, code: 'server-error' },
    { status: 529, error: 'server_error', code: 'overloaded' },
    { status: null, error: 'unknown', apiError: 'connection_failed', code: 'network' },
    { status: null, error: 'unknown', code: 'network' },
  ])(
    'names a request that failed with $status $error $apiError $code',
    ({ status, error, apiError, code }) => {
      const result = { ...requestFailed, apiErrorStatus: status, apiError: apiError ?? null };
      const assistantError = error ?? null;
      expect(failureOf({ result, assistantError, exit: exit({ code: 1 }) })).toMatchObject({
        code,
        message: expect.stringContaining('API Error'),
      });
    },
  );

  it('knows when a usage limit resets', () => {
    const result = { ...requestFailed, apiErrorStatus: 429, apiError: 'usage_limit_reached' };
    expect(failureOf({ result, limitResetsAt: 1_900_000_000 })).toMatchObject({
      notBefore: 1_900_000_000_000,
    });
    expect(failureOf({ result })).not.toHaveProperty('notBefore');
  });

  it('waits for a time that can be shown, whatever the service says', () => {
    const result = { ...requestFailed, apiErrorStatus: 429 };
    expect(failureOf({ result, limitResetsAt: 1e300 })).toMatchObject({ notBefore: 8.64e15 });
    expect(failureOf({ result, waitUntil: 1_900_000_000_000.5 })).toMatchObject({
      notBefore: 1_900_000_000_001,
    });
  });

  it('says what to do wherever only a person can help', () => {
    const needHelp: readonly Partial<CliEvidence>[] = [
      { result: { ...requestFailed, apiErrorStatus: 401 } },
      { result: { ...requestFailed, apiErrorStatus: 402 } },
      { result: { ...requestFailed, apiErrorStatus: 404 } },
      { result: { ...requestFailed, apiErrorStatus: 413 } },
      { result: { ...requestFailed, subtype: 'error_max_turns' } },
      { result: { ...requestFailed, subtype: 'error_max_budget_usd' } },
      { init: null, exit: exit({ code: 1 }) },
    ];
    for (const known of needHelp) expect(failureOf(known)?.remedy).toMatch(/^[A-Z].*\.$/);
  });

  it('tells root from other reasons not to start', () => {
    const stderrTail = 'cannot be used with root/sudo privileges for security reasons';
    expect(failureOf({ init: null, exit: exit({ code: 1 }), stderrTail })?.remedy).toContain('ordinary user');
  });

  it('quotes the end of the error output, not kilobytes of it', () => {
    const stderrTail = `${'var minified;'.repeat(1_000)}\n\nfirst\nsecond\n  at third\n`;
    const message = failureOf({ init: null, exit: exit({ code: 1 }), stderrTail })?.message ?? '';
    expect(message).toContain('first / second / at third');
    expect(message.length).toBeLessThan(200);
  });

  it('tells how a run was lost', () => {
    const lost = exit({ code: null, reason: 'lost', detail: 'out of memory' });
    expect(failureOf({ exit: lost })?.message).toContain('out of memory');
  });

  it('keeps session, cost and version of a failed run', () => {
    const result = { ...requestFailed, sessionId: null };
    expect(classify(evidence({ result }))).toMatchObject({
      sessionId: 'session-1',
      costUsd: 0.25,
      cliVersion: '2.1.330',
    });
    expect(classify(evidence({ init: null }))).toMatchObject({
      sessionId: null,
      costUsd: 0,
      cliVersion: null,
    });
  });
});
