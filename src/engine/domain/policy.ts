import type { Failure, FailureCode } from './outcome.ts';

/** What follows when a run fails in a certain way. */
export type FailurePolicy =
  /** Try again by itself, later each time. */
  | { readonly action: 'retry'; readonly maxRetries: number; readonly baseMs: number; readonly capMs: number }
  /** Nothing helps before the limit resets; then go on by itself. */
  | { readonly action: 'park'; readonly defaultMs: number; readonly leastMs: number }
  /** Only a person can help. */
  | { readonly action: 'ask' };

const ask: FailurePolicy = { action: 'ask' };
const retry = (maxRetries: number, baseMs: number, capMs: number): FailurePolicy => ({
  action: 'retry',
  maxRetries,
  baseMs,
  capMs,
});

const minute = 60_000;

/**
 * The CLI itself retries for a while before it gives up, so ours start where its own end: seconds for what heals in
 * seconds, minutes for what an overloaded service needs. `qa-failed` and `tests-failed` are rework, not retry.
 */
export const failurePolicies: Readonly<Record<FailureCode, FailurePolicy>> = {
  'rate-limit': retry(5, 30_000, 10 * minute),
  overloaded: retry(5, 30_000, 10 * minute),
  'server-error': retry(4, 10_000, 5 * minute),
  network: retry(4, 5_000, 2 * minute),
  'no-verdict': retry(1, 1_000, 1_000),
  timeout: retry(1, 5_000, 5_000),
  killed: retry(2, 1_000, 10_000),
  // A stage that oversteps was put back to its checkpoint; one more try tells chance from habit.
  'forbidden-change': retry(1, 1_000, 1_000),
  'usage-limit': { action: 'park', defaultMs: 60 * minute, leastMs: minute },
  authentication: ask,
  billing: ask,
  'request-rejected': ask,
  'prompt-too-long': ask,
  'no-change': ask,
  'tests-failed': ask,
  'qa-failed': ask,
  turns: ask,
  budget: ask,
  'cli-unusable': ask,
  environment: ask,
  // Docker stops for all tasks at once, and for none for good: were each to ask, a whole queue would within seconds.
  'isolation-away': retry(8, 5_000, 2 * minute),
  'disk-full': ask,
  'port-taken': ask,
  'merge-conflict': ask,
  internal: ask,
  imported: ask,
};

/**
 * Epoch ms of the next automatic try: exponential from `baseMs`, at most `capMs`, the upper half of it random so that
 * two tasks that failed together do not come back together, and never before the service said.
 */
export function retryAt(
  policy: Extract<FailurePolicy, { action: 'retry' }>,
  retryNumber: number,
  failure: Failure,
  now: number,
  random: number,
): number {
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** (retryNumber - 1));
  const delay = Math.round(full * (0.5 + random / 2));
  return Math.max(now + delay, failure.notBefore ?? 0);
}

/** A container that no one uses goes after this long, whatever else happens. */
export const idleLeaseLimitMs = 60 * minute;

/** A port that a stranger holds is tried again after this long. */
export const slotRecheckMs = minute;
