import type { RunId } from '../domain/ids.ts';
import type { AnsweredCall, LiveEntry, LiveState } from '../protocol/inspector.ts';
import type { RunOutput } from './runOutput.ts';

/** A person cannot read faster, and a page draws in less. */
const intervalMs = 100;

export interface LiveFeedOptions {
  readonly runId: RunId;
  readonly output: RunOutput;
  /** Settles when the run has ended. */
  readonly until: Promise<unknown>;
  /** Resolves when the page has it. */
  readonly send: (state: LiveState, tail: LiveEntry[], answered: AnsweredCall[]) => PromiseLike<unknown>;
  readonly report: (error: unknown) => void;
}

/**
 * Follows one run's output for a page. However fast it grows, the page hears of it a few times a second, and not before
 * it has taken what was sent before: a slow page gets fewer messages, not a queue of them.
 */
export class LiveFeed {
  readonly runId: RunId;
  readonly output: RunOutput;
  private readonly options: LiveFeedOptions;
  private readonly stop = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private isSending = false;
  private isStale = false;
  private sentTotal = 0;

  constructor(options: LiveFeedOptions) {
    this.options = options;
    this.runId = options.runId;
    this.output = options.output;
    this.output.follow(options.until, this.stop.signal, () => this.changed()).catch(options.report);
  }

  /** The page is new: it is told how things stand, whatever was sent before. */
  restart(): void {
    this.isSending = false;
    this.sentTotal = 0;
    this.changed();
  }

  dispose(): void {
    this.stop.abort();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private changed(): void {
    this.isStale = true;
    if (this.isSending || this.timer !== null || this.stop.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.send().catch(this.options.report);
    }, intervalMs);
  }

  private async send(): Promise<void> {
    const { output, runId } = this;
    this.isStale = false;
    this.isSending = true;
    const answered = output
      .takeAnswered()
      .filter((index) => index < this.sentTotal)
      .map((index) => ({ index, call: output.callState(index) }));
    const tail = output.tail.filter(({ index }) => index >= this.sentTotal);
    this.sentTotal = output.total;
    await this.options.send({ runId, total: output.total, ended: output.ended }, tail, answered);
    this.isSending = false;
    if (this.isStale) this.changed();
  }
}
