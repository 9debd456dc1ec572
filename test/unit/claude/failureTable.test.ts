import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failureCodes, type FailureCode } from '../../../src/engine/domain/outcome.ts';
import { failurePolicies, type FailurePolicy } from '../../../src/engine/domain/policy.ts';

type Ending = FailureCode | 'success' | 'prevented';

interface Row {
  /** How Claude Code or its service fails, or what it does that one would not expect. */
  readonly name: string;
  readonly ending: Ending;
  /** What follows; null where nothing failed. */
  readonly policy: FailurePolicy['action'] | null;
  /** The test that shows it. */
  readonly test: readonly [file: keyof typeof files, name: string];
}

const files = {
  cli: 'test/fault/cli.test.ts',
  failures: 'test/cli/failures.test.ts',
  stages: 'test/cli/stages.test.ts',
  outcome: 'test/unit/claude/outcome.test.ts',
  cliRun: 'test/unit/claude/cliRun.test.ts',
  commandLine: 'test/unit/claude/commandLine.test.ts',
  supervised: 'test/unit/process/supervisedRuns.test.ts',
  limits: 'test/fault/limits.test.ts',
} as const;

const row = (
  name: string,
  ending: Ending,
  policy: FailurePolicy['action'] | null,
  file: keyof typeof files,
  test: string,
): Row => ({ name, ending, policy, test: [file, test] });

const rows: readonly Row[] = [
  // How it fails.
  row(
    'program missing',
    'environment',
    'ask',
    'cli',
    'is named when it is missing, before anything is started',
  ),
  row('working directory missing', 'environment', 'ask', 'cli', 'is named when the worktree is missing'),
  row(
    'installed without its binary',
    'cli-unusable',
    'ask',
    'cli',
    'a program that only says that it was not installed whole',
  ),
  row(
    'bad argument or schema',
    'cli-unusable',
    'ask',
    'failures',
    'cannot start with an argument that it refuses',
  ),
  row('bypass as root', 'cli-unusable', 'ask', 'outcome', 'tells root from other reasons not to start'),
  row('too old', 'cli-unusable', 'ask', 'cli', 'one that is older than what is supported'),
  row('no credentials', 'authentication', 'ask', 'failures', 'asks for credentials when there are none'),
  row('401', 'authentication', 'ask', 'failures', 'gives up on refused credentials within seconds'),
  row('403', 'request-rejected', 'ask', 'failures', 'an error 403'),
  row('400 without credit', 'billing', 'ask', 'failures', 'an empty account'),
  row('402', 'billing', 'ask', 'cli', 'an error 402'),
  row('400', 'request-rejected', 'ask', 'failures', 'an error 400'),
  row('400 too long', 'prompt-too-long', 'ask', 'failures', 'a prompt too long'),
  row('413', 'prompt-too-long', 'ask', 'cli', 'an error 413'),
  row('413 of an image', 'prompt-too-long', 'ask', 'outcome', "terminalReason: 'image_error'"),
  row('404 model', 'request-rejected', 'ask', 'failures', 'an unknown model'),
  row('429', 'rate-limit', 'retry', 'failures', 'an error 429'),
  row(
    '429 with a long wait',
    'rate-limit',
    'retry',
    'cli',
    'does not come back at once where the service asked for an hour',
  ),
  row('429 usage limit', 'usage-limit', 'park', 'cli', 'a usage limit of a subscription'),
  row('usage limit resets', 'usage-limit', 'park', 'limits', 'goes on by itself at the reset'),
  row('500', 'server-error', 'retry', 'failures', 'an error 500'),
  row('502', 'server-error', 'retry', 'cli', 'an error 502'),
  row('503', 'server-error', 'retry', 'cli', 'an error 503'),
  row('504', 'server-error', 'retry', 'cli', 'an error 504'),
  row('529', 'overloaded', 'retry', 'failures', 'an error 529'),
  row('refused connection', 'network', 'retry', 'failures', 'a refused connection'),
  row('cut stream', 'network', 'retry', 'failures', 'a connection that breaks'),
  row('no answer', 'network', 'retry', 'cli', 'no answer at all'),
  row(
    'pings only',
    'timeout',
    'retry',
    'failures',
    'is ended when the service only keeps the connection alive',
  ),
  row('captive portal', 'network', 'retry', 'failures', 'a captive portal'),
  row(
    'one error, overcome',
    'success',
    null,
    'failures',
    'says that an error which the CLI overcame is no failure',
  ),
  row('one cut, overcome', 'success', null, 'cli', 'a stream that broke once'),
  row('one 529, overcome', 'success', null, 'cli', 'an error 529, once'),
  row('overload in a stream', 'overloaded', 'retry', 'cli', 'an overload in the middle of every stream'),
  row('one overload in a stream', 'success', null, 'cli', 'an overload in the middle of one stream'),
  row('silent stream, overcome', 'success', null, 'cli', 'a stream that falls silent'),
  row('answer cut off at its length', 'success', null, 'cli', 'an answer that is cut off at its length'),
  row('refusal', 'request-rejected', 'ask', 'cli', 'a model that refuses'),
  row('one refusal, overcome', 'success', null, 'cli', 'a model that refuses once'),
  row('empty answer', 'no-verdict', 'retry', 'cli', 'an empty answer'),
  row('turns used up', 'turns', 'ask', 'failures', 'ends at the limit of turns'),
  row('budget used up', 'budget', 'ask', 'limits', 'ends it before the next request, with the real CLI'),
  row('structured output missing', 'no-verdict', 'retry', 'failures', 'a model that hands nothing in'),
  row('structured output exhausted', 'no-verdict', 'retry', 'failures', 'a model that hands in nonsense'),
  row('killed', 'killed', 'retry', 'failures', 'is killed when someone ends it'),
  row('time limit', 'timeout', 'retry', 'cli', 'one that talks on and on'),
  // What one would not expect of it.
  row(
    'a failed request is called a success',
    'server-error',
    'retry',
    'outcome',
    'names a request that failed with',
  ),
  row(
    'SIGINT exits with 0',
    'killed',
    'retry',
    'cli',
    'an interruption by SIGINT, after which the CLI exits with 0',
  ),
  row('exit code 0 after nothing', 'no-verdict', 'retry', 'cli', 'one that exits with 0 and did nothing'),
  row(
    'several results, the last is bad',
    'server-error',
    'retry',
    'cli',
    'one that takes back a good result',
  ),
  row('several results, the last is good', 'success', null, 'cli', 'one that mends a bad result'),
  row(
    'commands in the background make it say several',
    'prevented',
    null,
    'cli',
    'a command that the model wants in the background',
  ),
  row('stays after its result', 'success', null, 'cli', 'one that stays after its result'),
  row('never starts', 'timeout', 'retry', 'cli', 'one that never says hello'),
  row('ignores SIGTERM', 'timeout', 'retry', 'cli', 'one that falls silent and ignores SIGTERM'),
  row('line of 64 MB', 'success', null, 'cli', 'one that prints a line of 64 MB'),
  row('invalid UTF-8', 'success', null, 'cli', 'one that prints bytes that are no UTF-8'),
  row('unknown event', 'success', null, 'cli', 'one that says things nobody knows yet'),
  row('cut off in its result', 'killed', 'retry', 'cli', 'one that is cut off in the middle of its result'),
  row(
    'plan mode is no guarantee',
    'prevented',
    null,
    'stages',
    'specifies in plan mode with tools that only read',
  ),
  row(
    'skips the trust of a folder',
    'prevented',
    null,
    'stages',
    "takes nothing from the repository's own configuration",
  ),
  row(
    '@path is read before permission',
    'prevented',
    null,
    'stages',
    'nor learn of files outside the worktree',
  ),
  row('shell children in other sessions', 'success', null, 'cli', 'one that leaves children behind'),
  row(
    'killed, and its command with it',
    'killed',
    'retry',
    'cli',
    'takes the command that it was running along, and its stage is run again',
  ),
  row(
    'outlives its parent',
    'killed',
    'retry',
    'supervised',
    'takes its program with it even while no engine looks',
  ),
  row(
    'retries 401 for minutes',
    'authentication',
    'ask',
    'cliRun',
    'ends a program whose credentials are refused twice',
  ),
  row(
    'a session id is used once',
    'prevented',
    null,
    'commandLine',
    'hands over limits, session, schema and model',
  ),
];

describe('every way in which Claude Code fails or surprises', () => {
  it.each(rows)('$name: $ending', ({ ending, policy, test: [file, name] }) => {
    const text = readFileSync(files[file], 'utf8').replaceAll(/\\(['`])/g, '$1');
    expect(text).toContain(name);
    const isFailure = ending !== 'success' && ending !== 'prevented';
    expect(isFailure ? failurePolicies[ending].action : null).toBe(policy);
  });

  it('leaves out only failures that are not the CLI’s', () => {
    const named = new Set<string>(rows.map(({ ending }) => ending));
    expect(failureCodes.filter((code) => !named.has(code))).toEqual([
      'no-change',
      'forbidden-change',
      'tests-failed',
      'qa-failed',
      'isolation-away',
      'disk-full',
      'port-taken',
      'merge-conflict',
      'internal',
      'imported',
    ]);
  });
});
