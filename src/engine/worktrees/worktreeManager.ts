import { readdir } from 'node:fs/promises';
import type { MergeStrategy, Task } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { readBaseFile } from './baseFile.ts';
import { changesBetween, patchBetween, statBetween, type FileChange } from './commits.ts';
import { type CommittedWork, committedWorkOf, type FileAt, fileAt } from './committedWork.ts';
import { findCopyFiles, placeCopyFiles, refused } from './copyFiles.ts';
import { Git } from './git.ts';
import { putBackGitFile, putBackHead, takeOutNestedRepositories } from './integrity.ts';
import { pathLocks } from './keyedMutex.ts';
import { markerOf, updateMarker } from './marker.ts';
import { acceptInto } from './merge.ts';
import { checkTaskId } from './names.ts';
import { ensureWorktree, type EnsureRequest } from './registration.ts';
import { removeWorktree } from './removal.ts';
import {
  branchCommit,
  headOf,
  locateRepository,
  type RepositoryHead,
  type RepositoryPlace,
} from './repository.ts';
import { removeFilesHolding } from './secretFiles.ts';
import {
  type FoundRefs,
  putBackPrograms,
  putBackRefs,
  surroundingsOf,
  type Surroundings,
} from './surroundings.ts';
import { checkOut, commitAll, restoreTo, snapshotOf, type Checkpoint, type Snapshot } from './tree.ts';
import { type Uncommitted, uncommittedIn } from './uncommitted.ts';
import { gitOf, historyOf, tipOf, type Worktree } from './worktree.ts';

export type { Snapshot, Worktree };

/** A commit whose files a worktree was given, and when (`performance.now()`). */
export interface CheckedOut {
  readonly commit: string;
  readonly at: number;
}

/**
 * The git worktrees of tasks: made, checked out, committed, put back, merged and removed. The person's repository is
 * never changed otherwise: not its files, index, stash, configuration or other branches, and none of its hooks run.
 */
export class WorktreeManager {
  private readonly repositoryPath: string;
  private readonly worktreesDir: string;
  private located: Promise<RepositoryPlace> | undefined;
  /** Where git's entries of tasks were found: asked at each stage, among those of all tasks that were not cleaned up. */
  private readonly adminDirs = new Map<string, string>();

  /** `repositoryPath` may lie deep inside the repository, or in a linked worktree of it. */
  constructor(options: { readonly repositoryPath: string; readonly worktreesDir: string }) {
    this.repositoryPath = options.repositoryPath;
    this.worktreesDir = options.worktreesDir;
  }

  /** The checkout a folder lies in. Throws `bad-input` when it lies in none, `environment` without a usable git. */
  static async locate(folder: string): Promise<{ readonly topLevel: string; readonly commonGitDir: string }> {
    return locateRepository(folder);
  }

  /** Throws `bad-input` when there is no repository, or no commit in it yet. */
  async repository(): Promise<{
    readonly topLevel: string;
    readonly commonGitDir: string;
    readonly head: RepositoryHead;
  }> {
    const place = await this.place();
    return { topLevel: place.topLevel, commonGitDir: place.commonGitDir, head: await headOf(place) };
  }

  /** Throws `bad-input` when a task cannot start there: no commit yet, or no such branch. null = the current branch. */
  async checkBase(baseBranch: string | null): Promise<void> {
    const place = await this.place();
    await headOf(place);
    if (baseBranch !== null)
      await branchCommit(new Git({ gitDir: place.gitDir, workTree: place.topLevel }), baseBranch);
  }

  /**
   * The task's worktree: made, found or mended, with its `.git` file and as yet no other files. What was committed on
   * its branch is there; files that lay in a broken one are put aside by `populate`, not lost.
   */
  async ensure(request: EnsureRequest): Promise<Worktree> {
    checkTaskId(request.taskId);
    const place = await this.place();
    return pathLocks.run(place.commonGitDir, async () => {
      const known = this.adminDirs.get(request.taskId) ?? null;
      const worktree = await ensureWorktree(place, this.worktreesDir, request, known);
      this.adminDirs.set(request.taskId, worktree.adminDir);
      return worktree;
    });
  }

  /**
   * Checks the files out and copies `copyFiles` from the person's checkout: once, later calls leave the work alone. Null
   * unless it just gave a new task's empty folder its first files.
   */
  async populate(
    worktree: Worktree,
    { copyFiles }: { readonly copyFiles: readonly string[] },
  ): Promise<CheckedOut | null> {
    const { topLevel } = await this.place();
    return pathLocks.run(worktree.path, async () => {
      if ((await markerOf(worktree)).populated) return null;
      const files = await findCopyFiles(topLevel, copyFiles);
      await this.refuseTracked(
        worktree,
        files.map(({ path }) => path),
      );
      // Before any file is there: none of these may get into the salvage commit of an earlier try.
      await updateMarker(worktree, { copiedFiles: files.map(({ path }) => path) });
      const tip = await tipOf(worktree);
      const isEmpty = (await readdir(worktree.path)).every((name) => name === '.git');
      if (isEmpty) await checkOut(gitOf(worktree), tip);
      else await restoreTo(worktree, tip);
      await placeCopyFiles(worktree.path, files);
      await updateMarker(worktree, { populated: true });
      return isEmpty && tip === worktree.baseCommit ? { commit: tip, at: performance.now() } : null;
    });
  }

  /** The newest commit of the task's branch. */
  async head(worktree: Worktree): Promise<string> {
    return tipOf(worktree);
  }

  /**
   * What differs from the newest commit, new files included; not ignored files, copied files and the insides of
   * submodules. Nested repositories are taken out first: to know of them, ask `verify` before.
   */
  async changes(worktree: Worktree): Promise<readonly FileChange[]> {
    return (await this.snapshot(worktree)).changes;
  }

  /** See `uncommittedIn`. */
  async uncommitted(worktree: Worktree): Promise<Uncommitted> {
    return pathLocks.run(worktree.path, () => uncommittedIn(worktree));
  }

  /** `changes`, with what it takes to commit just these. `taken out`: by a `verify` since anything last ran there. */
  async snapshot(worktree: Worktree, nested: 'unknown' | 'taken out' = 'unknown'): Promise<Snapshot> {
    return pathLocks.run(worktree.path, () => snapshotOf(worktree, nested));
  }

  /** Removes those of the changed files in which one of these secrets stands. Returns their paths. */
  async removeFilesHolding(
    worktree: Worktree,
    changes: readonly FileChange[],
    secrets: readonly string[],
  ): Promise<readonly string[]> {
    if (secrets.length === 0) return [];
    return pathLocks.run(worktree.path, () => removeFilesHolding(worktree, changes, secrets));
  }

  /** Commits all of `changes` on the task's branch: as they were `seen`, or as they are. */
  async checkpoint(worktree: Worktree, message: string, seen?: Snapshot): Promise<Checkpoint> {
    return pathLocks.run(worktree.path, () => commitAll(worktree, message, seen));
  }

  /**
   * Puts branch and files back to exactly this commit; copied files stay, and what its own rules ignore. What that undoes is kept under
   * `refs/orchestrator/{task id}/salvage-{n}`. Returns the undone paths.
   */
  async restore(worktree: Worktree, commit: string): Promise<readonly string[]> {
    const known = /^[0-9a-f]{40,64}$/.test(commit) ? await historyOf(worktree).commitOf(commit) : null;
    if (known === null)
      throw new OrchestratorError('bad-input', `There is no commit "${commit}" to go back to.`);
    return pathLocks.run(worktree.path, () => restoreTo(worktree, known));
  }

  /** The task's committed work as a patch against the commit it started from. */
  async diff(worktree: Worktree): Promise<string> {
    return patchBetween(historyOf(worktree), worktree.baseCommit, await tipOf(worktree));
  }

  /** What the files, as they were seen, change since the base: paths, and their statistics as `git diff --stat` shows them. */
  async summary(
    worktree: Worktree,
    { tip, tree, changes: sinceTip }: Snapshot,
  ): Promise<{ readonly files: readonly string[]; readonly stat: string }> {
    const { baseCommit } = worktree;
    if (tree === baseCommit) return { files: [], stat: '' };
    const git = historyOf(worktree);
    const [changes, stat] = await Promise.all([
      tip === baseCommit ? sinceTip : changesBetween(git, baseCommit, tree),
      statBetween(git, baseCommit, tree),
    ]);
    return { files: changes.map(({ path }) => path), stat };
  }

  /** See `committedWorkOf`. */
  async committedWork(task: Pick<Task, 'worktree' | 'commit' | 'phase'>): Promise<CommittedWork | null> {
    return committedWorkOf(await this.place(), task);
  }

  /** See `fileAt`. */
  async readFileAt(commit: string, path: string): Promise<FileAt> {
    return fileAt(await this.place(), commit, path);
  }

  /** See `readBaseFile` in baseFile.ts. */
  async readBaseFile(worktree: Worktree, path: string): Promise<string | null> {
    return readBaseFile(worktree, path);
  }

  /**
   * Sets right what was done to the worktree's own git (its `.git` file, its HEAD), and takes out repositories that were put
   * into the worktree. Says what that was; empty when nothing.
   */
  async verify(worktree: Worktree): Promise<readonly string[]> {
    const { metadata, nested } = await this.setRight(worktree);
    return [...metadata, ...nested.map((path) => `A git repository was put at ${path}.`)];
  }

  /** The same, and not a word about the repositories. */
  async verifyMetadata(worktree: Worktree): Promise<readonly string[]> {
    return (await this.setRight(worktree)).metadata;
  }

  /**
   * The person's refs, settings and hooks, to be put back after an agent ran that could reach them. `refs`: as they were
   * seen just now, if they were.
   */
  async surroundings(refs: Surroundings['refs'] | null = null): Promise<Surroundings> {
    return surroundingsOf(await this.place(), refs);
  }

  /** See `putBackPrograms` in surroundings.ts: goes before every other command. What the person did meanwhile stays. */
  async putBackPrograms(worktree: Worktree, before: Surroundings): Promise<readonly string[]> {
    const place = await this.place();
    return pathLocks.run(place.commonGitDir, () => putBackPrograms(place, worktree, before));
  }

  /** See `putBackRefs` there. */
  async putBackRefs(worktree: Worktree, before: Surroundings): Promise<FoundRefs> {
    const place = await this.place();
    return pathLocks.run(place.commonGitDir, () => putBackRefs(place, worktree, before));
  }

  /**
   * Brings the committed work onto the base branch and returns the commit that holds it; `none` leaves that to the
   * person and returns null. Idempotent. With nothing changed throws `merge-conflict` naming the files, and `environment` when
   * the branch lacks the commit `work`, null = whatever it has.
   */
  async accept(
    worktree: Worktree,
    strategy: MergeStrategy,
    message: string,
    work: string | null = null,
  ): Promise<string | null> {
    const place = await this.place();
    return pathLocks.run(place.commonGitDir, () =>
      pathLocks.run(worktree.path, () => acceptInto(place, worktree, strategy, message, work)),
    );
  }

  /**
   * Removes folder and registration; the branch too unless it has commits that are nowhere else. Without `force` throws
   * `environment`, saying why, when uncommitted changes or unmerged commits are there. Fine when it is gone already.
   */
  async remove(worktree: Worktree, options: { readonly force: boolean }): Promise<void> {
    const { commonGitDir } = await this.place();
    await pathLocks.run(commonGitDir, () =>
      pathLocks.run(worktree.path, () => removeWorktree(worktree, options)),
    );
    this.adminDirs.delete(worktree.taskId);
  }

  private async refuseTracked(worktree: Worktree, paths: readonly string[]): Promise<void> {
    const git = historyOf(worktree);
    for (const path of paths) {
      const { exitCode } = await git.ask(['cat-file', '-e', `${worktree.baseCommit}:${path}`], {
        answers: [0, 1, 128],
      });
      if (exitCode === 0)
        throw refused(path, 'is committed in the repository, so the worktree has it already', 'Untrack it');
    }
  }

  private async setRight(
    worktree: Worktree,
  ): Promise<{ readonly metadata: readonly string[]; readonly nested: readonly string[] }> {
    return pathLocks.run(worktree.path, async () => ({
      metadata: await metadataFindings(worktree),
      nested: await takeOutNestedRepositories(worktree),
    }));
  }

  private place(): Promise<RepositoryPlace> {
    this.located ??= locateRepository(this.repositoryPath).catch((error: unknown) => {
      // The person may `git init` and try again.
      this.located = undefined;
      throw error;
    });
    return this.located;
  }
}

async function metadataFindings(worktree: Worktree): Promise<readonly string[]> {
  return [await putBackGitFile(worktree), await putBackHead(worktree)].filter((finding) => finding !== null);
}
