import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LeaseId, RunId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Clock } from '../ports/clock.ts';
import { errorOf, OrchestratorError } from '../ports/errors.ts';
import type { ComingWorktree, Workspace } from '../ports/isolation.ts';
import { createWhole, freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import { watchingDisk } from '../process/watchedProgram.ts';
import type { StageRunner } from '../stages/stageRunner.ts';
import { runProjectCommand } from '../stages/testCommand.ts';
import type { Worktree, WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { RunPaths } from './runPaths.ts';
import type { Workspaces } from './workspaces.ts';

/** A set-up that installs dependencies may take long; one that takes longer than this is stuck. */
const setupTimeoutMs = 30 * 60_000;

/** How a try at the setup command ended, where nothing more is to be done. */
const succeeded = 'succeeded';

/** Makes a task's worktree and workspace side by side, then runs its setup command once. */
export class Preparation {
  private readonly worktrees: WorktreeManager;
  private readonly workspaces: Workspaces;
  private readonly stageRunner: StageRunner;
  private readonly paths: RunPaths;
  private readonly clock: Clock;

  constructor(options: {
    readonly worktrees: WorktreeManager;
    readonly workspaces: Workspaces;
    readonly stageRunner: StageRunner;
    readonly paths: RunPaths;
    readonly clock: Clock;
  }) {
    this.worktrees = options.worktrees;
    this.workspaces = options.workspaces;
    this.stageRunner = options.stageRunner;
    this.paths = options.paths;
    this.clock = options.clock;
  }

  async prepare(
    task: Task,
    leaseId: LeaseId,
    signal: AbortSignal,
  ): Promise<{ readonly worktree: Worktree; readonly workspace: Workspace }> {
    signal.throwIfAborted();
    this.workspaces.forget(leaseId);
    const registered = this.worktreeWithWork(task);
    const populated = registered.then((worktree) =>
      this.worktrees.populate(worktree, { copyFiles: task.settings.copyFiles }),
    );
    // Both must have come to an end before a failure of either is told: no one else would clean up after the other.
    const [workspace, checkedOut] = await Promise.allSettled([
      this.workspace(task, { registered, populated }, leaseId, signal),
      populated,
    ]);
    if (workspace.status === 'rejected') throw workspace.reason;
    if (checkedOut.status === 'rejected') throw checkedOut.reason;
    signal.throwIfAborted();
    const worktree = await registered;
    const { setupCommand } = task.settings;
    if (setupCommand !== null) await this.setUp(task, worktree, workspace.value, setupCommand, signal);
    else if (checkedOut.value !== null) this.stageRunner.noteCheckedOut(workspace.value, checkedOut.value);
    return { worktree, workspace: workspace.value };
  }

  /** Made, and told what will run in it first, where that follows at once. */
  private async workspace(
    task: Task,
    coming: ComingWorktree & { readonly registered: Promise<Worktree> },
    leaseId: LeaseId,
    signal: AbortSignal,
  ): Promise<Workspace> {
    const workspace = await this.workspaces.acquire(task, coming, leaseId, signal);
    // Whatever is made for the task is of no use without it, and a setup command may take long.
    await workspace.claude();
    const runDirOf = (id: RunId): string => this.paths.ofRun(id);
    const worktree = await coming.registered;
    if (task.settings.setupCommand === null)
      await this.stageRunner.expectFirst({ task, worktree, workspace, runDirOf });
    return workspace;
  }

  /** The task's worktree; made if it is not there. */
  worktree(task: Task): Promise<Worktree> {
    return this.worktrees.ensure(requestOf(task));
  }

  /** The same, with what was done of the task so far. Throws `environment` when that is not in the repository. */
  worktreeWithWork(task: Task): Promise<Worktree> {
    if (task.worktree === null) return this.worktree(task);
    const { branch, baseBranch, baseCommit } = task.worktree;
    const work = { branch, baseBranch, baseCommit, commit: task.commit ?? baseCommit };
    return this.worktrees.ensure({ ...requestOf(task), work });
  }

  private async setUp(
    task: Task,
    worktree: Worktree,
    workspace: Workspace,
    command: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const endFile = this.paths.endOfSetup(task.id, attempt);
      const earlier = await readIfPresent(endFile);
      if (earlier === succeeded) return;
      if (earlier !== null) continue;
      const runDir = this.paths.ofSetup(task.id, attempt);
      const startFile = this.paths.startOfSetup(task.id, attempt);
      await mkdir(dirname(startFile), { recursive: true });
      // What lies there before it begins, an earlier run's program has put there.
      if ((await readIfPresent(startFile)) === null) await freshRunDirectory(runDir);
      await createWhole(startFile, '');
      const wasStarted = await workspace.wasStarted(runDir);
      const watched = {
        name: 'setup command',
        folder: worktree.path,
        since: (await stat(startFile)).mtimeMs,
        clock: this.clock,
        stop: () => workspace.stop(runDir),
        detach: signal,
      };
      const end = await watchingDisk(watched, () =>
        runProjectCommand({ workspace, runDir, command, timeoutMs: setupTimeoutMs, signal }),
      );
      const hasSucceeded = end.type !== 'disk-full' && end.value.exitCode === 0;
      // Not in its run directory: what a program writes there later must not count.
      await writeWhole(endFile, hasSucceeded ? succeeded : 'failed');
      if (end.type === 'disk-full') throw errorOf(end.failure);
      if (hasSucceeded) return;
      const result = end.value;
      // Ended together with an earlier engine or container, which says nothing about the command.
      if (wasStarted && result.exitCode === null && result.exit.reason !== 'timeout') continue;
      throw new OrchestratorError(
        'environment',
        `The setup command \`${command}\` ${result.exitCode === null ? 'was ended' : `exited with ${result.exitCode}`}: ${result.outputTail.slice(-500)}`,
        { remedy: 'Mend the setup command or what it needs, then retry the task.' },
      );
    }
  }
}

function requestOf({ id: taskId, title, settings: { baseBranch } }: Task) {
  return { taskId, title, baseBranch };
}
