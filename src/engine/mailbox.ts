/** Runs jobs one at a time, in order. A job that fails fails its own caller and no one else. */
export class Mailbox {
  private last: Promise<unknown> = Promise.resolve();

  run<Result>(job: () => Promise<Result>): Promise<Result> {
    const result = this.last.then(job);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when every job given so far has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}
