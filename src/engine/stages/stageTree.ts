import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Failure } from '../domain/outcome.ts';
import { freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import type { WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { StageDefinition } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

const startSchema = v.object({ head: v.string() });

/** What a stage may do to the worktree, and what becomes of it. */
export class StageTree {
  private readonly worktrees: WorktreeManager;

  constructor(worktrees: WorktreeManager) {
    this.worktrees = worktrees;
  }

  /** Brings the worktree to its newest checkpoint, once for each run, and returns that commit. */
  async begin({ task, run, runDir, startFile, workspace, worktree }: StageRunRequest): Promise<string> {
    const started = await readIfPresent(startFile);
    if (started !== null) return v.parse(startSchema, JSON.parse(started)).head;
    await freshRunDirectory(runDir);
    const head = await this.worktrees.head(worktree);
    // What an attempt that failed left behind would be taken for this run's work; it stays in a salvage commit.
    await this.cleanTo(head, worktree);
    await workspace.syncGit({ branch: worktree.branch, commit: head });
    await mkdir(dirname(startFile), { recursive: true });
    await writeWhole(startFile, JSON.stringify({ head, task: task.id, run: run.id }));
    return head;
  }

  /** Undoes whatever is not committed. */
  async cleanTo(head: string, worktree: StageRunRequest['worktree']): Promise<void> {
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
  }

  /** What the stage did that it must not; undone. Null when it kept to its part. */
  async overstep(
    { changes }: StageDefinition,
    { run, worktree }: StageRunRequest,
    head: string,
  ): Promise<Failure | null> {
    // An implementer's build may well clone something into an ignored folder; its `.git` is taken out all the same.
    const damage = changes
      ? [...(await this.worktrees.verifyMetadata(worktree))]
      : [...(await this.worktrees.verify(worktree)), ...(await this.undo(head, worktree))];
    if (damage.length === 0) return null;
    const more = damage.length > 10 ? ` and ${damage.length - 10} more` : '';
    return {
      code: 'forbidden-change',
      message: `The ${run.stage} stage changed what it must not: ${damage.slice(0, 10).join(', ')}${more}. The changes were undone.`,
    };
  }

  /** Commits what the stage changed; null when that is nothing. */
  async checkpoint({ task, run, worktree }: StageRunRequest, head: string): Promise<string | null> {
    const trailers = `Orchestrator-Task: ${task.id}\nOrchestrator-Stage: ${run.stage} ${run.attempt}`;
    const { commit } = await this.worktrees.checkpoint(worktree, `${task.title}\n\n${trailers}`);
    return commit === head ? null : commit;
  }

  private async undo(head: string, worktree: StageRunRequest['worktree']): Promise<readonly string[]> {
    const isMoved = (await this.worktrees.head(worktree)) !== head;
    const changes = await this.worktrees.changes(worktree);
    if (isMoved || changes.length > 0) await this.worktrees.restore(worktree, head);
    return [...changes.map(({ path }) => path), ...(isMoved ? ['the branch'] : [])];
  }
}
