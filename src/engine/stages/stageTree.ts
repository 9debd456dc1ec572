import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Failure } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import { freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import { surroundingsSchema } from '../worktrees/surroundings.ts';
import type { WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { StageDefinition } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

const startSchema = v.object({
  head: v.string(),
  /** null where the agent cannot reach them. */
  surroundings: v.optional(v.nullable(surroundingsSchema), null),
});

/** What a stage may do to the worktree, and what becomes of it. */
export class StageTree {
  private readonly worktrees: WorktreeManager;

  /** The secrets that the agent was given. */
  private readonly secrets: () => readonly string[];

  constructor(worktrees: WorktreeManager, secrets: () => readonly string[]) {
    this.worktrees = worktrees;
    this.secrets = secrets;
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
    const surroundings = workspace.isolation === 'process' ? await this.worktrees.surroundings() : null;
    await writeWhole(startFile, JSON.stringify({ head, surroundings, task: task.id, run: run.id }));
    return head;
  }

  /** Undoes whatever is not committed. */
  async cleanTo(head: string, worktree: StageRunRequest['worktree']): Promise<void> {
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
  }

  /** What the stage did that it must not; undone. Null when it kept to its part. */
  async overstep(
    { changes }: StageDefinition,
    request: StageRunRequest,
    head: string,
  ): Promise<Failure | null> {
    const { run, worktree } = request;
    // First, so that no command after it obeys what was planted.
    const outside = await this.putBackSurroundings(request);
    // An implementer's build may well clone something into an ignored folder; its `.git` is taken out all the same.
    const metadata = changes
      ? await this.worktrees.verifyMetadata(worktree)
      : await this.worktrees.verify(worktree);
    const leaks = await this.takeOutLeaks(request);
    const undone = changes ? [] : await this.undo(head, worktree);
    return overstepped(run.stage, [...outside, ...metadata, ...leaks, ...undone]);
  }

  /** The same for a stage that failed by itself: its work in the worktree is put aside when the next run begins. */
  async overstepOutside(request: StageRunRequest): Promise<Failure | null> {
    const outside = await this.putBackSurroundings(request);
    return overstepped(request.run.stage, [...outside, ...(await this.takeOutLeaks(request))]);
  }

  /** Commits what the stage changed; null when that is nothing. */
  async checkpoint({ task, run, worktree }: StageRunRequest, head: string): Promise<string | null> {
    const trailers = `Orchestrator-Task: ${task.id}\nOrchestrator-Stage: ${run.stage} ${run.attempt}`;
    const { commit } = await this.worktrees.checkpoint(worktree, `${task.title}\n\n${trailers}`);
    return commit === head ? null : commit;
  }

  /** Credentials in a file are on their way out, too: to the branch, and into the next stage's prompt. */
  private async takeOutLeaks({ worktree }: StageRunRequest): Promise<readonly string[]> {
    const paths = await this.worktrees.removeFilesHolding(worktree, this.secrets());
    return paths.map((path) => `${path} held the credentials`);
  }

  private async putBackSurroundings({ startFile, worktree }: StageRunRequest): Promise<readonly string[]> {
    const started = await readIfPresent(startFile);
    if (started === null) return [];
    const { surroundings } = v.parse(startSchema, JSON.parse(started));
    return surroundings === null ? [] : this.worktrees.putBackSurroundings(worktree, surroundings);
  }

  private async undo(head: string, worktree: StageRunRequest['worktree']): Promise<readonly string[]> {
    const isMoved = (await this.worktrees.head(worktree)) !== head;
    const changes = await this.worktrees.changes(worktree);
    if (isMoved || changes.length > 0) await this.worktrees.restore(worktree, head);
    return [...changes.map(({ path }) => path), ...(isMoved ? ['the branch'] : [])];
  }
}

function overstepped(stage: Stage, damage: readonly string[]): Failure | null {
  if (damage.length === 0) return null;
  const named = damage
    .slice(0, 10)
    .map((each) => each.replace(/\.$/, ''))
    .join(', ');
  const more = damage.length > 10 ? ` and ${damage.length - 10} more` : '';
  return {
    code: 'forbidden-change',
    message: `The ${stage} stage changed what it must not: ${named}${more}. The changes were undone.`,
  };
}
