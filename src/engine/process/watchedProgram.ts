import type { Failure } from '../domain/outcome.ts';
import { DiskWatch, type DiskWatchOptions, type Overrun } from './diskWatch.ts';

/** How a program ended that the disk was watched for. */
export type WatchedEnd<Value> =
  | { readonly type: 'ended'; readonly value: Value }
  /** It filled the disk. `value` is what it came to all the same; null when it failed. */
  | { readonly type: 'disk-full'; readonly failure: Failure; readonly value: Value | null };

/**
 * Runs a program and ends it when it fills the disk: before anything looks at the worktree, since whatever does would copy
 * it all into the repository's objects. `name` is what a person is told of: "setup command". Rejects as the program does;
 * with `detach` the program goes on without the watch.
 */
export async function watchingDisk<Value>(
  { name, detach, ...options }: DiskWatchOptions & { readonly name: string; readonly detach: AbortSignal },
  program: () => Promise<Value>,
): Promise<WatchedEnd<Value>> {
  const watch = new DiskWatch(options);
  // Settled first: a program that was ended, or met a full disk, may have failed in any way.
  const [ended] = await Promise.allSettled([program()]);
  const overrun = detach.aborted ? null : await watch.end();
  watch.close();
  if (overrun !== null) {
    const value = ended.status === 'fulfilled' ? ended.value : null;
    return { type: 'disk-full', failure: diskFull(name, overrun), value };
  }
  if (ended.status === 'rejected') throw ended.reason;
  return { type: 'ended', value: ended.value };
}

function diskFull(name: string, { written, free }: Overrun): Failure {
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  return {
    code: 'disk-full',
    message: `The ${name} wrote ${megabytes(written)} to the worktree, left ${megabytes(free)} free on the disk, and was ended. The largest of its files were removed.`,
    remedy: 'See in its output what it wrote. Make room, or have it write less, then retry.',
  };
}
