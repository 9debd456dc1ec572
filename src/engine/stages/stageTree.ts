import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Failure } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import type { Workspace } from '../ports/isolation.ts';
import { freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import { type Surroundings, surroundingsSchema } from '../worktrees/surroundings.ts';
import type { Snapshot, WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { StageDefinition } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

const startSchema = v.object({
  head: v.string(),
  /** null where the agent cannot reach them. */
  surroundings: v.optional(v.nullable(surroundingsSchema), null),
});

/** What a person changes within this time after a stage counts as changed during the next one. */
const atOnceMs = 500;

/** What a stage may do to the worktree, and what becomes of it. */
export class StageTree {
  private readonly worktrees: WorktreeManager;

  /** When a stage last left its worktree as its newest commit (`performance.now()`), as long as its lease stands. */
  private readonly cleanAt = new WeakMap<Workspace, { readonly head: string; readonly at: number }>();

  /** Directories of runs that are expected; whatever lay there is out of the way. */
  private readonly freshRunDirs = new Set<string>();

  /** The secrets that the agent was given. */
  private readonly secrets: () => readonly string[];

  constructor(worktrees: WorktreeManager, secrets: () => readonly string[]) {
    this.worktrees = worktrees;
    this.secrets = secrets;
  }

  /** Makes the directory of a run that will begin soon. */
  async makeRunDirectory(runDir: string): Promise<void> {
    await freshRunDirectory(runDir);
    this.freshRunDirs.add(runDir);
  }

  /** Brings the worktree to its newest checkpoint, once for each run, and returns that commit. */
  async begin({ task, run, runDir, startFile, workspace, worktree }: StageRunRequest): Promise<string> {
    const started = await readIfPresent(startFile);
    if (started !== null) return v.parse(startSchema, JSON.parse(started)).head;
    if (!this.freshRunDirs.delete(runDir)) await freshRunDirectory(runDir);
    const head = await this.worktrees.head(worktree);
    const [surroundings] = await Promise.all([
      workspace.isolation === 'process' ? this.worktrees.surroundings() : null,
      // What an attempt that failed left behind would be taken for this run's work; it stays in a salvage commit.
      this.wasCleanJustNow(head, workspace) ? null : this.cleanTo(head, worktree),
    ]);
    await mkdir(dirname(startFile), { recursive: true });
    await writeWhole(startFile, JSON.stringify({ head, surroundings, task: task.id, run: run.id }));
    return head;
  }

  /** Undoes whatever is not committed. */
  async cleanTo(head: string, worktree: StageRunRequest['worktree']): Promise<void> {
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
  }

  /** Undoes what the stage did to git itself, before any program meets it. Returns what that was. */
  async verify(
    { changes: mayChange }: StageDefinition,
    request: StageRunRequest,
  ): Promise<readonly string[]> {
    const { worktree } = request;
    const before = await this.surroundingsBefore(request);
    // First, so that no command after it obeys what was planted.
    const programs = await this.putBackPrograms(worktree, before);
    // An implementer's build may well clone something into an ignored folder; its `.git` is taken out all the same.
    const metadata = mayChange
      ? await this.worktrees.verifyMetadata(worktree)
      : await this.worktrees.verify(worktree);
    return [...programs, ...metadata];
  }

  /** What the stage did: undone where it must not, else seen through and ready for its checkpoint. `planted`: what `verify` found. */
  async examine(
    { changes: mayChange }: StageDefinition,
    request: StageRunRequest,
    head: string,
    planted: readonly string[],
  ): Promise<
    | { readonly type: 'overstepped'; readonly failure: Failure }
    | { readonly type: 'kept'; readonly snapshot: Snapshot }
  > {
    const { run, worktree } = request;
    const before = await this.surroundingsBefore(request);
    const [refs, snapshot] = await Promise.all([
      this.putBackRefs(worktree, before),
      this.worktrees.snapshot(worktree),
    ]);
    const leaks = await this.takeOutLeaks(worktree, snapshot.changes);
    const undone = mayChange ? [] : await this.undo(head, worktree, snapshot);
    const damage = [
      ...planted,
      ...refs,
      ...namesOf(leaks),
      ...undone.filter((path) => !leaks.includes(path)),
    ];
    const failure = overstepped(run.stage, damage);
    if (failure !== null) return { type: 'overstepped', failure };
    if (snapshot.changes.length === 0) this.noteClean(snapshot.tip, request.workspace);
    return { type: 'kept', snapshot };
  }

  /** The same for a stage that failed by itself: its work in the worktree is put aside when the next run begins. */
  async overstepOutside(request: StageRunRequest): Promise<Failure | null> {
    const { run, worktree } = request;
    const before = await this.surroundingsBefore(request);
    const programs = await this.putBackPrograms(worktree, before);
    const refs = await this.putBackRefs(worktree, before);
    const leaks = await this.takeOutLeaks(worktree, await this.worktrees.changes(worktree));
    return overstepped(run.stage, [...programs, ...refs, ...namesOf(leaks)]);
  }

  /** Commits what the stage changed, as it was examined; null when that is nothing. */
  async checkpoint(
    { task, run, workspace, worktree }: StageRunRequest,
    head: string,
    snapshot: Snapshot,
  ): Promise<string | null> {
    const trailers = `Orchestrator-Task: ${task.id}\nOrchestrator-Stage: ${run.stage} ${run.attempt}`;
    const { commit } = await this.worktrees.checkpoint(worktree, `${task.title}\n\n${trailers}`, snapshot);
    this.noteClean(commit, workspace);
    return commit === head ? null : commit;
  }

  private noteClean(head: string, workspace: Workspace): void {
    this.cleanAt.set(workspace, { head, at: performance.now() });
  }

  /** A stage that follows at once finds what the one before left: nothing of the agent's runs in between. */
  private wasCleanJustNow(head: string, workspace: Workspace): boolean {
    const seen = this.cleanAt.get(workspace);
    this.cleanAt.delete(workspace);
    return seen?.head === head && performance.now() - seen.at < atOnceMs;
  }

  /** Credentials in a file are on their way out, too: to the branch, and into the next stage's prompt. */
  private takeOutLeaks(
    worktree: StageRunRequest['worktree'],
    changes: Snapshot['changes'],
  ): Promise<readonly string[]> {
    return this.worktrees.removeFilesHolding(worktree, changes, this.secrets());
  }

  /** Null where the agent cannot reach them, and before the run began. */
  private async surroundingsBefore({ startFile }: StageRunRequest): Promise<Surroundings | null> {
    const started = await readIfPresent(startFile);
    return started === null ? null : v.parse(startSchema, JSON.parse(started)).surroundings;
  }

  private async putBackPrograms(
    worktree: StageRunRequest['worktree'],
    before: Surroundings | null,
  ): Promise<readonly string[]> {
    return before === null ? [] : this.worktrees.putBackPrograms(worktree, before);
  }

  private async putBackRefs(
    worktree: StageRunRequest['worktree'],
    before: Surroundings | null,
  ): Promise<readonly string[]> {
    return before === null ? [] : this.worktrees.putBackRefs(worktree, before);
  }

  private async undo(
    head: string,
    worktree: StageRunRequest['worktree'],
    { tip, changes }: Snapshot,
  ): Promise<readonly string[]> {
    const isMoved = tip !== head;
    if (isMoved || changes.length > 0) await this.worktrees.restore(worktree, head);
    return [...changes.map(({ path }) => path), ...(isMoved ? ['the branch'] : [])];
  }
}

function namesOf(leaks: readonly string[]): readonly string[] {
  return leaks.map((path) => `${path} held the credentials`);
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
