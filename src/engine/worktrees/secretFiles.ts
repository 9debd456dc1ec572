import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegular } from '../process/readTail.ts';
import { secretFormsOf } from '../process/redactor.ts';
import type { FileChange } from './commits.ts';
import { isBehindLink } from './files.ts';
import type { Worktree } from './worktree.ts';

/**
 * Removes changed files in which one of the secrets stands, before anything of them is committed or shown to a model.
 * Returns their paths.
 */
export async function removeFilesHolding(
  worktree: Worktree,
  changes: readonly FileChange[],
  secrets: readonly string[],
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { path, kind } of changes) {
    if (kind === 'deleted' || (await isBehindLink(worktree.path, path))) continue;
    const file = join(worktree.path, path);
    if (!(await holds(file, secrets))) continue;
    await rm(file, { force: true });
    removed.push(path);
  }
  return removed;
}

async function holds(path: string, secrets: readonly string[]): Promise<boolean> {
  const file = await openRegular(path);
  if (file === null) return false;
  const wanted = secretFormsOf(secrets).map((form) => Buffer.from(form));
  const longest = Math.max(0, ...wanted.map(({ length }) => length));
  let tail: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([tail, chunk]);
      if (wanted.some((form) => bytes.includes(form))) return true;
      tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - longest)));
    }
    return false;
  } finally {
    await file.close();
  }
}
