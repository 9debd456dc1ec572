import { fieldsOf, type Git, withoutLineEnd } from './git.ts';
import { salvageRefs } from './names.ts';
import { branchRef, historyOf, type Worktree } from './worktree.ts';

export interface FileChange {
  /** Repository-relative, with slashes. */
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
}

const nameStatus = ['-z', '--no-renames', '--name-status'];

/** What differs between two commits or trees; a rename is a deletion and an addition. */
export async function changesBetween(git: Git, from: string, to: string): Promise<readonly FileChange[]> {
  return changesIn(await git.run(['diff-tree', '-r', ...nameStatus, from, to]));
}

/** A change, with what git has to say of the file before it. */
export interface IndexedChange extends FileChange {
  /** Octal, as git prints it: `100644`; zeros for none. */
  readonly modeBefore: string;
  readonly mode: string;
  readonly objectBefore: string;
}

/** The same between a commit and git's index. */
export async function changesInIndex(git: Git, from: string): Promise<readonly IndexedChange[]> {
  const output = await git.run([
    'diff-index',
    '--cached',
    '--raw',
    '-z',
    '--no-renames',
    '--no-abbrev',
    from,
  ]);
  const fields = fieldsOf(output);
  const changes: IndexedChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [modeBefore = '', mode = '', objectBefore = '', , status = ''] = (fields[at] ?? '')
      .slice(1)
      .split(' ');
    changes.push({ kind: kindOf(status), path: fields[at + 1] ?? '', modeBefore, mode, objectBefore });
  }
  return changes;
}

function changesIn(output: string): readonly FileChange[] {
  const fields = fieldsOf(output);
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
  const command = ['commit-tree', commit.tree, ...parents, '-F', '-'];
  // git refuses a NUL, and a title may hold one.
  const input = commit.message.replaceAll('\0', '');
  const inTheirName = await git.ask([...noMadeUpName, ...command], { input, answers: [0, 128] });
  if (inTheirName.exitCode === 0) return withoutLineEnd(inTheirName.stdout);
  return git.line([...ourName, ...command], { input });
}

/** Without it git makes a name and an address up, of the account's and the machine's. */
const noMadeUpName = ['-c', 'user.useConfigOnly=true'];

const ourName = ['-c', 'user.name=Orchestrator', '-c', 'user.email=orchestrator@localhost'];

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
