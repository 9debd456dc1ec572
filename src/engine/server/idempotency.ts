import { createHash } from 'node:crypto';
import type { TaskFeed } from '../inspection/taskFeed.ts';
import { Problem } from './problem.ts';

/** The oldest are forgotten: a client repeats what it did a moment ago. */
const mostKeys = 1_000;
const longestKey = 200;

export interface KeptAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

interface Entry {
  readonly fingerprint: string;
  readonly answer: Promise<KeptAnswer>;
}

/** Answers by `Idempotency-Key`: a request that is repeated gets the answer of the first one and is not carried out again. */
export class IdempotentAnswers {
  private readonly entries = new Map<string, Entry>();

  /** `request`: method, address and body, which must be the same each time. */
  async answer(
    key: string,
    request: readonly string[],
    answer: () => Promise<KeptAnswer>,
  ): Promise<KeptAnswer> {
    if (key.length > longestKey)
      throw new Problem(400, 'bad-key', `An Idempotency-Key has at most ${longestKey} characters.`);
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const known = this.entries.get(key);
    if (known !== undefined) {
      if (known.fingerprint === fingerprint) return known.answer;
      throw new Problem(
        422,
        'key-reused',
        'This Idempotency-Key was used for another request.',
        'Give each request a key of its own, and repeat a request as it was.',
      );
    }
    const entry = { fingerprint, answer: answer() };
    this.entries.set(key, entry);
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= mostKeys) break;
      this.entries.delete(oldest);
    }
    // What failed for reasons of ours may be tried again.
    const forget = (): void => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    };
    entry.answer.then(({ status }) => (status >= 500 || status === 429 ? forget() : undefined), forget);
    return entry.answer;
  }
}

const ofFeed = new WeakMap<TaskFeed, IdempotentAnswers>();

/** They live as long as what is served, not as long as a server of it. */
export function idempotentAnswersOf(feed: TaskFeed): IdempotentAnswers {
  const known = ofFeed.get(feed) ?? new IdempotentAnswers();
  ofFeed.set(feed, known);
  return known;
}
