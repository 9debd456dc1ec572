import type { MergeStrategy } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { changesBetween, commitTree } from './commits.ts';
import { exists } from './files.ts';
import { fieldsOf, Git } from './git.ts';
import { markerOf, updateMarker } from './marker.ts';
import { replacementsOfOwnDrivers, withoutOwnDrivers } from './ownDrivers.ts';
import { requireWork } from './recordedWork.ts';
import { branchCommit, registeredWorktrees, type RepositoryPlace } from './repository.ts';
import { branchRef, tipOf, type Worktree } from './worktree.ts';

/**
 * Brings the task's commits onto its base branch, without a checkout. Returns the commit that holds them; null for
 * `none`. Asked again after it happened, it finds that and does nothing. `work`: the commit without which nothing is merged.
 */
export async function acceptInto(
  place: RepositoryPlace,
  worktree: Worktree,
  strategy: MergeStrategy,
  message: string,
  work: string | null,
): Promise<string | null> {
  const tip = await tipOf(worktree);
  if (strategy === 'none') {
    await updateMarker(worktree, { accepted: { strategy, tip, commit: null } });
    return null;
  }
  const { branch, baseBranch } = worktree;
  if (baseBranch === null) {
    throw new OrchestratorError(
      'bad-input',
      `${branch} started from a detached HEAD, so there is no branch to merge it into.`,
      {
        remedy: `Accept the task with merge "none" and merge ${branch} yourself.`,
      },
    );
  }
  const git = new Git({ gitDir: place.gitDir, workTree: place.topLevel });
  if (work !== null) await requireWork(git, tip, { branch, commit: work });
  const base = await branchCommit(git, baseBranch);
  const { accepted } = await markerOf(worktree);
  const done = accepted?.tip === tip ? accepted.commit : null;
  if (done !== null && (await git.contains(base, done))) return done;

  const tree = await mergedTree(git, { base, baseBranch, tip, branch });
  const isEmpty = (await git.contains(base, tip)) || tree === (await git.treeOf(base));
  const parents = strategy === 'squash' ? [base] : [base, tip];
  const commit = isEmpty ? base : await commitTree(git, { tree, parents, message });
  // Before the branch moves: after a crash in between, the commit on the branch is known to be this one.
  await updateMarker(worktree, { accepted: { strategy, tip, commit } });
  if (!isEmpty) await fastForward(place, git, baseBranch, base, commit);
  return commit;
}

interface Merge {
  readonly base: string;
  readonly baseBranch: string;
  readonly tip: string;
  readonly branch: string;
}

/** The tree of the merge, made without files; the attributes that count are those of the person's checkout. */
async function mergedTree(git: Git, { base, baseBranch, tip, branch }: Merge): Promise<string> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', base, tip];
  const { exitCode, stdout } = await (await withoutOwnDrivers(git)).ask(args, { answers: [0, 1] });
  const [tree = '', ...conflicts] = fieldsOf(stdout);
  if (exitCode === 0) return tree;
  const names = [...new Set(conflicts)];
  const named = names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');
  throw new OrchestratorError('merge-conflict', `${branch} and ${baseBranch} both changed: ${named}.`, {
    remedy: `Merge ${baseBranch} into ${branch} in the task's worktree, solve the conflicts, commit, and accept again.`,
  });
}

async function fastForward(
  place: RepositoryPlace,
  git: Git,
  branch: string,
  from: string,
  to: string,
): Promise<void> {
  const checkout = await checkoutOf(place, git, branch);
  if (checkout === null) {
    await git.run(['update-ref', '-m', 'orchestrator: accept', branchRef(branch), to, from]);
    return;
  }
  const own = await replacementsOfOwnDrivers(checkout);
  await refuseUnfiltered(checkout, own, from, to);
  // Options of the repository's own would come on top of ours: to squash, to take only one side.
  const noOptions = [`branch.${branch}.mergeOptions`, ''] as const;
  // Only git knows which of the person's files are in the way; it leaves all others as they are. Ignored ones too: there may
  // be no other copy of them.
  const args = ['merge', '--ff-only', '--quiet', '--no-autostash', '--no-stat', '--no-overwrite-ignore', to];
  const { exitCode, stdout, stderr } = await checkout
    .with([...own, noOptions])
    .ask(args, { answers: [0, 1, 2, 128] });
  if (exitCode === 0) {
    await refuseUnmoved(git, branch, to, checkout);
    return;
  }
  throw new OrchestratorError(
    'merge-conflict',
    `${branch} is checked out in "${checkout.place.workTree}", where git cannot take over the work: ${`${stderr}${stdout}`.trim().slice(-2000)}`,
    {
      remedy: `Commit, stash or move away what is in the way in "${checkout.place.workTree}", then accept again.`,
    },
  );
}

/** git moved what is checked out: by then that may be another branch. */
async function refuseUnmoved(git: Git, branch: string, to: string, checkout: Git): Promise<void> {
  if (await git.contains(branchRef(branch), to)) return;
  throw new OrchestratorError(
    'merge-conflict',
    `${branch} was checked out in "${checkout.place.workTree}", but git did not bring it to ${to} there.`,
    { remedy: `See what is checked out in "${checkout.place.workTree}", then accept again.` },
  );
}

/** Without its filter a file of the person's would lie there as it is stored, encrypted perhaps. */
async function refuseUnfiltered(
  checkout: Git,
  own: readonly (readonly [key: string, value: string])[],
  from: string,
  to: string,
): Promise<void> {
  const filters = new Set(own.map(([key]) => /^filter\.(.*)\.\w+$/s.exec(key)?.[1]));
  if (filters.size === 0) return;
  const paths = (await changesBetween(checkout, from, to)).map(({ path }) => path);
  const input = paths.map((path) => `${path}\0`).join('');
  const fields = fieldsOf(await checkout.run(['check-attr', '-z', '--stdin', 'filter'], { input }));
  const at = fields.findIndex((value, index) => index % 3 === 2 && filters.has(value));
  if (at === -1) return;
  throw new OrchestratorError(
    'merge-conflict',
    `${fields[at - 2]} passes the filter ${fields[at]}, for which the repository's own configuration names a program; it is not run on its word.`,
    {
      remedy: `Repeat its settings in your own (\`git config --global\`), or accept with merge "none" and merge yourself.`,
    },
  );
}

/** Git on the checkout that has the branch, by the git directory that the repository itself has noted for it. */
async function checkoutOf(place: RepositoryPlace, git: Git, branch: string): Promise<Git | null> {
  const entries = (await git.run(['worktree', 'list', '--porcelain', '-z'])).split('\0\0');
  for (const [at, entry] of entries.entries()) {
    const fields = entry.split('\0');
    if (!fields.includes(`branch ${branchRef(branch)}`)) continue;
    const workTree = fields[0]?.replace(/^worktree /, '') ?? '';
    const linked = (await registeredWorktrees(place.commonGitDir)).find(({ path }) => path === workTree);
    // The first entry is the main one; git notes a wrong folder for it in a submodule.
    const isOwn = at === 0 && place.gitDir === place.commonGitDir;
    const found = {
      gitDir: linked?.adminDir ?? place.commonGitDir,
      workTree: isOwn ? place.topLevel : workTree,
    };
    if (await exists(found.workTree)) return new Git(found);
  }
  return null;
}
