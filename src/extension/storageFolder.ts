import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

/**
 * The storage folder of a repository, from the one that VS Code names. A second window on the same folder is given
 * `<workspace>-1` so that extensions do not meet in one storage; ours are to meet: the second window follows the first.
 * A workspace of several folders has one storage for all: each repository gets a folder of its own in it.
 */
export function storageFolder(given: string, repository: string, hasSeveralFolders: boolean): string {
  const workspace = dirname(given);
  const [, first = basename(workspace)] = /^(.+)-\d+$/.exec(basename(workspace)) ?? [];
  const shared = join(dirname(workspace), first, basename(given));
  if (!hasSeveralFolders) return shared;
  return join(shared, createHash('sha256').update(repository).digest('hex').slice(0, 8));
}
