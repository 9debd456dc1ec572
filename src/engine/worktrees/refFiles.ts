import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../process/runDirectory.ts';
import { exists } from './files.ts';
import type { Git } from './git.ts';

/**
 * What the files of a repository say of a ref: its object; null when there certainly is no such ref; undefined when git has
 * to be asked: symbolic, or kept in another way. Asked a dozen times in a stage, where a git process for each took longer
 * than everything else of the engine.
 */
export async function refByFiles(commonGitDir: string, ref: string): Promise<string | null | undefined> {
  // git takes no such name for a ref's, and it may lead out of the folder.
  if (ref.includes('..')) return undefined;
  // Before the packed ones, into which git moves it.
  const loose = await looseRef(commonGitDir, ref);
  if (loose !== null) return loose;
  try {
    const [packed, settings, isTable] = await Promise.all([
      readIfPresent(join(commonGitDir, 'packed-refs')),
      readIfPresent(join(commonGitDir, 'config')),
      exists(join(commonGitDir, 'reftable')),
    ]);
    return isTable || /refstorage/i.test(settings ?? '') ? undefined : packedRef(packed ?? '', ref);
  } catch {
    return undefined;
  }
}

/** The commit that a branch names, or null when there is none. */
export async function commitOfBranch(git: Git, commonGitDir: string, ref: string): Promise<string | null> {
  const told = await refByFiles(commonGitDir, ref);
  return told === undefined ? git.commitOf(ref) : told;
}

/** As `refByFiles`, of the ref's own file alone. */
async function looseRef(commonGitDir: string, ref: string): Promise<string | null | undefined> {
  try {
    const text = await readFile(join(commonGitDir, ref), 'latin1');
    return /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.test(text) ? text.slice(0, -1) : undefined;
  } catch (error) {
    // A folder is that of other refs; a file in the place of one is a ref beside which there can be none.
    return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
      ? null
      : undefined;
  }
}

function packedRef(packed: string, ref: string): string | null | undefined {
  const end = `${packed}\n`.indexOf(` ${ref}\n`);
  if (end === -1) return null;
  const object = packed.slice(packed.lastIndexOf('\n', end) + 1, end);
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(object) ? object : undefined;
}
