/**
 * Every way a run can fail, and `imported`: work begun on another board, which only a person can tell more of. What
 * follows from each is in `policy.ts`.
 */
export const failureCodes = [
  'authentication',
  'billing',
  'rate-limit',
  'usage-limit',
  'overloaded',
  'server-error',
  'network',
  'request-rejected',
  'prompt-too-long',
  'no-verdict',
  'no-change',
  'forbidden-change',
  'tests-failed',
  'qa-failed',
  'turns',
  'budget',
  'timeout',
  'killed',
  'cli-unusable',
  'environment',
  'isolation-away',
  'disk-full',
  'port-taken',
  'merge-conflict',
  'internal',
  'imported',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** How a run ended, as recorded and shown. */
export type Outcome = 'success' | 'cancelled' | FailureCode;

/** A named failure: what happened in words for a person, and what to do about it where that is known. */
export interface Failure {
  readonly code: FailureCode;
  /** One or two sentences for a person; no secrets. */
  readonly message: string;
  /** What mends it, in the imperative. */
  readonly remedy?: string;
  /** Epoch ms before which trying again is pointless (a usage limit's reset, a `retry-after`). */
  readonly notBefore?: number;
}
