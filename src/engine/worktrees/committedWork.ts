import type { Task } from '../domain/task.ts';
import { changesBetween, type FileChange } from './commits.ts';
import { Git } from './git.ts';
import type { RepositoryPlace } from './repository.ts';
import { branchRef } from './worktree.ts';

/** A task's work as two commits of the person's repository, and what differs between them. */
export interface CommittedWork {
  readonly from: string;
  readonly to: string;
  readonly files: readonly FileChange[];
}

export type FileAt =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary' | 'too-large'; readonly bytes: number }
  | { readonly type: 'submodule'; readonly commit: string }
  | { readonly type: 'none' };

/** More is not read by a person, and an editor refuses to compare it. */
const largestFile = 5_000_000;

/**
 * From the branch against the commit it started from; once the branch is merged and gone, what the merge brought. Null
 * when there is neither. Reads the repository only: the worktree's folder may be gone, or hostile.
 */
export async function committedWorkOf(
  place: RepositoryPlace,
  task: Pick<Task, 'worktree' | 'commit' | 'phase'>,
): Promise<CommittedWork | null> {
  const { worktree, commit, phase } = task;
  if (worktree === null) return null;
  const git = historyIn(place);
  const tip = await git.commitOf(branchRef(worktree.branch));
  const to = tip ?? (commit === null ? null : await knownCommit(git, commit));
  if (to === null) return null;
  const isMerge = tip === null && phase.type === 'done' && phase.strategy !== 'none';
  const from = isMerge ? await git.commitOf(`${to}^1`) : await knownCommit(git, worktree.baseCommit);
  return from === null ? null : { from, to, files: await changesBetween(git, from, to) };
}

/** A file as it was committed, byte for byte: no filter, no conversion, and links are not followed. */
export async function fileAt(place: RepositoryPlace, commit: string, path: string): Promise<FileAt> {
  const git = historyIn(place);
  const known = await knownCommit(git, commit);
  const entry = known === null ? '' : await entryOf(git, known, path);
  const found = /^\d{6} (blob|commit) ([0-9a-f]+) +(\d+|-)\t([^\0]*)\0$/.exec(entry);
  if (found === null) return { type: 'none' };
  const [, type, object = '', size, name] = found;
  if (name !== path) return { type: 'none' };
  if (type === 'commit') return { type: 'submodule', commit: object };
  const bytes = Number(size);
  if (bytes > largestFile) return { type: 'too-large', bytes };
  const text = await git.run(['cat-file', 'blob', object]);
  // As git itself tells them apart.
  return text.slice(0, 8000).includes('\0') ? { type: 'binary', bytes } : { type: 'text', text };
}

/** What git lists for the path in the commit's tree; '' when there is nothing. */
async function entryOf(git: Git, commit: string, path: string): Promise<string> {
  const { stdout } = await git.ask(
    ['--literal-pathspecs', 'ls-tree', '--long', '--full-tree', '-z', commit, '--', path],
    { answers: [0, 128] },
  );
  return stdout;
}

/** Only a full commit id: a name would be looked up, and could mean another commit the next time. */
async function knownCommit(git: Git, commit: string): Promise<string | null> {
  return /^[0-9a-f]{40,64}$/.test(commit) ? git.commitOf(commit) : null;
}

function historyIn({ commonGitDir }: RepositoryPlace): Git {
  return new Git({ gitDir: commonGitDir, workTree: commonGitDir });
}
