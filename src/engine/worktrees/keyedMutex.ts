/** One at a time per key, in order of asking. */
class KeyedMutex {
  private readonly tails = new Map<string, Promise<void>>();

  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }
}

/**
 * For all managers of this process, keyed by path: a repository's common git directory for what changes its refs and
 * list of worktrees, a worktree's folder for what changes its files. Who needs both takes the repository's first.
 */
export const pathLocks = new KeyedMutex();
