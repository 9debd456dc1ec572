import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The default storage of a repository: a folder of its own under the user's home, two repositories of one name apart. */
export function defaultStorage(home: string, repositoryPath: string): string {
  const name = basename(repositoryPath).replaceAll(/[^\w.-]+/g, '-');
  return join(home, '.orchestrator-manager', `${name}-${short(repositoryPath)}`);
}

/** Worktrees lie beside the database they belong to, out of the repository and out of other tools' folders. */
export function defaultWorktrees(storage: string): string {
  return join(storage, 'worktrees');
}

/** What marks the containers of a storage as its own. */
export function storageId(storage: string): string {
  return createHash('sha256').update(resolve(storage)).digest('hex').slice(0, 32);
}
