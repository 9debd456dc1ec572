import { fieldsOf, type Git } from './git.ts';
import { salvageRefs } from './names.ts';
import { branchRef, historyOf, type Worktree } from './worktree.ts';

export interface FileChange {
  /** Repository-relative, with slashes. */
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
}

/** What differs between two commits or trees; a rename is a deletion and an addition. */
export async function changesBetween(git: Git, from: string, to: string): Promise<readonly FileChange[]> {
  const fields = fieldsOf(
    await git.run(['diff-tree', '-r', '-z', '--no-renames', '--name-status', from, to]),
  );
  const changes: FileChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    changes.push({ kind: kindOf(fields[at] ?? ''), path: fields[at + 1] ?? '' });
  }
  return changes;
}

function kindOf(status: string): FileChange['kind'] {
  if (status === 'A') return 'added';
  return status === 'D' ? 'deleted' : 'modified';
}

/** Nothing that configuration or attributes could make run a program or enter a submodule. */
const plainDiff = [
  'diff-tree',
  '-r',
  '-M',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--submodule=short',
];

export async function patchBetween(git: Git, from: string, to: string): Promise<string> {
  return git.run([...plainDiff, '-p', '--full-index', '--src-prefix=a/', '--dst-prefix=b/', from, to]);
}

export async function statBetween(git: Git, from: string, to: string): Promise<string> {
  return git.run([...plainDiff, '--stat=100', from, to]);
}

/** Makes a commit of a tree without touching any branch, in the person's name where they have one. */
export async function commitTree(
  git: Git,
  commit: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
): Promise<string> {
  const parents = commit.parents.flatMap((parent) => ['-p', parent]);
  const settings = await identity(git);
  // git refuses a NUL, and a title may hold one.
  const input = commit.message.replaceAll('\0', '');
  return git.line([...settings, 'commit-tree', commit.tree, ...parents, '-F', '-'], { input });
}

async function identity(git: Git): Promise<readonly string[]> {
  for (const key of ['user.name', 'user.email']) {
    const { stdout } = await git.ask(['config', '--get', key], { answers: [0, 1] });
    if (stdout.trim() === '')
      return ['-c', 'user.name=Orchestrator', '-c', 'user.email=orchestrator@localhost'];
  }
  return [];
}

/** Moves the task's branch, unless someone else moved it meanwhile. */
export async function moveBranch(worktree: Worktree, to: string, from: string, why: string): Promise<void> {
  await historyOf(worktree).run([
    'update-ref',
    '-m',
    `orchestrator: ${why}`,
    branchRef(worktree.branch),
    to,
    from,
  ]);
}

/** Keeps a commit that is about to drop out of the branch under `refs/orchestrator/{task id}/salvage-{1, 2, ...}`. */
export async function salvage(worktree: Worktree, commit: string): Promise<void> {
  const git = historyOf(worktree);
  const prefix = salvageRefs(worktree.taskId);
  const format = '--format=%(objectname) %(refname)';
  const kept = (await git.run(['for-each-ref', format, `${prefix}*`]))
    .split('\n')
    .filter((line) => line !== '');
  if (kept.some((line) => line.startsWith(`${commit} `))) return;
  const last = Math.max(0, ...kept.map((line) => Number(line.slice(line.lastIndexOf('-') + 1))));
  await git.run(['update-ref', `${prefix}${last + 1}`, commit, '']);
}
