import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { exists } from './files.ts';
import { quarantineOf } from './integrity.ts';
import { readMarker, removeAdminDir, removeRecord, type Marker } from './marker.ts';
import { uncommittedIn } from './uncommitted.ts';
import { openFolders } from './walk.ts';
import { branchRef, historyOf, type Worktree } from './worktree.ts';

/** Removes folder, git's entry and, unless it holds commits of its own, the branch. */
export async function removeWorktree(
  worktree: Worktree,
  { force }: { readonly force: boolean },
): Promise<void> {
  const git = historyOf(worktree);
  const tip = await git.commitOf(branchRef(worktree.branch));
  const marker = await readMarker(worktree.adminDir);
  const merged = tip === null || (await isMerged(worktree, tip, marker));
  if (!force) {
    await refuseIfChanged(worktree);
    const handedOver = marker?.accepted?.strategy === 'none' && marker.accepted.tip === tip;
    if (!merged && !handedOver) {
      throw kept(
        worktree,
        `${worktree.branch} has commits that are not in ${worktree.baseBranch ?? 'the commit it started from'}`,
      );
    }
  }
  await removeFolder(worktree.path);
  await removeFolder(quarantineOf(worktree));
  await removeAdminDir(worktree.adminDir);
  // As git does after the last one.
  await rmdir(dirname(worktree.adminDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  });
  if (merged && tip !== null) await git.run(['update-ref', '-d', branchRef(worktree.branch), tip]);
  await removeRecord(git, worktree.taskId);
}

/** Nothing of the branch is only there: it never had a commit, the base has them, or the base has what was made of them. */
async function isMerged(worktree: Worktree, tip: string, marker: Marker | null): Promise<boolean> {
  if (tip === worktree.baseCommit) return true;
  const git = historyOf(worktree);
  const base = worktree.baseBranch === null ? null : await git.commitOf(branchRef(worktree.baseBranch));
  if (base === null) return false;
  if (await git.contains(base, tip)) return true;
  const accepted = marker?.accepted?.tip === tip ? marker.accepted.commit : null;
  return accepted !== null && (await git.contains(base, accepted));
}

async function refuseIfChanged(worktree: Worktree): Promise<void> {
  const names = (await exists(worktree.path)) ? await readdir(worktree.path) : [];
  if (names.every((name) => name === '.git')) return;
  const { changes } = await uncommittedIn(worktree);
  if (changes.length === 0) return;
  const named = changes
    .slice(0, 5)
    .map(({ path }) => path)
    .join(', ');
  throw kept(
    worktree,
    `it has uncommitted changes: ${named}${changes.length > 5 ? ` and ${changes.length - 5} more` : ''}`,
  );
}

function kept({ path }: Worktree, why: string): OrchestratorError {
  return new OrchestratorError('environment', `The worktree "${path}" was kept: ${why}.`, {
    remedy: 'Take over what you need, then remove the worktree by force.',
  });
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // Package caches are written read-only.
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}
