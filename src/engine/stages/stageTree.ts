import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Failure } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import type { Workspace } from '../ports/isolation.ts';
import { freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import { type Surroundings, surroundingsSchema } from '../worktrees/surroundings.ts';
import type { CheckedOut, Snapshot, WorktreeManager } from '../worktrees/worktreeManager.ts';
import { JustSeen } from './justSeen.ts';
import type { StageDefinition } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

const startSchema = v.object({
  head: v.string(),
  /** null where the agent cannot reach them. */
  surroundings: v.optional(v.nullable(surroundingsSchema), null),
});

/** A task's first run comes when a large worktree is checked out; others come at once. */
const expectedMs = 60_000;

/** What `verify` saw. */
interface Verified {
  /** Null where the agent cannot reach them. */
  readonly before: Surroundings | null;
  /** What it found and undid. */
  readonly planted: readonly string[];
}

/** What a stage may do to the worktree, and what becomes of it. */
export class StageTree {
  private readonly worktrees: WorktreeManager;

  /** The commit that the worktree was seen to be. */
  private readonly clean = new JustSeen<string>();

  /** All but tasks' own, as they were when a stage had ended. */
  private readonly refs = new JustSeen<Surroundings['refs']>();

  /** The directory of a run that is expected: whatever lay there is out of the way, as long as no agent runs in between. */
  private readonly freshRunDir = new JustSeen<string>(expectedMs);

  /** The secrets that the agent was given. */
  private readonly secrets: () => readonly string[];

  constructor(worktrees: WorktreeManager, secrets: () => readonly string[]) {
    this.worktrees = worktrees;
    this.secrets = secrets;
  }

  /** The worktree was just made, and nothing ran in it since. */
  noteCheckedOut(workspace: Workspace, { commit, at }: CheckedOut): void {
    this.clean.note(workspace, commit, at);
  }

  /** Makes the directory of a run that will begin soon. */
  async makeRunDirectory(workspace: Workspace, runDir: string): Promise<void> {
    await freshRunDirectory(runDir);
    this.freshRunDir.note(workspace, runDir);
  }

  /** Brings the worktree to its newest checkpoint, once for each run, and returns that commit. */
  async begin({ task, run, runDir, startFile, workspace, worktree }: StageRunRequest): Promise<string> {
    const started = await readIfPresent(startFile);
    if (started !== null) return v.parse(startSchema, JSON.parse(started)).head;
    if (this.freshRunDir.take(workspace) !== runDir) await freshRunDirectory(runDir);
    const head = await this.worktrees.head(worktree);
    const [surroundings] = await Promise.all([
      workspace.isolation === 'process' ? this.worktrees.surroundings(this.refs.take(workspace)) : null,
      // What an attempt that failed left behind would be taken for this run's work; it stays in a salvage commit.
      this.clean.take(workspace) === head ? null : this.cleanTo(head, worktree),
    ]);
    await mkdir(dirname(startFile), { recursive: true });
    await writeWhole(startFile, JSON.stringify({ head, surroundings, task: task.id, run: run.id }));
    return head;
  }

  /** Undoes whatever is not committed. */
  async cleanTo(head: string, worktree: StageRunRequest['worktree']): Promise<void> {
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
  }

  /** Undoes what the stage did to git itself, before any program meets it. */
  async verify({ changes: mayChange }: StageDefinition, request: StageRunRequest): Promise<Verified> {
    const { worktree } = request;
    const before = await this.surroundingsBefore(request);
    // First, so that no command after it obeys what was planted.
    const programs = await this.putBackPrograms(worktree, before);
    // An implementer's build may well clone something into an ignored folder; its `.git` is taken out all the same.
    const metadata = mayChange
      ? await this.worktrees.verifyMetadata(worktree)
      : await this.worktrees.verify(worktree);
    return { before, planted: [...programs, ...metadata] };
  }

  /** What the stage did: undone where it must not, else seen through and ready for its checkpoint. */
  async examine(
    { changes: mayChange }: StageDefinition,
    request: StageRunRequest,
    head: string,
    { before, planted }: Verified,
  ): Promise<
    | { readonly type: 'overstepped'; readonly failure: Failure }
    | { readonly type: 'kept'; readonly snapshot: Snapshot }
  > {
    const { run, worktree } = request;
    const [refs, snapshot] = await Promise.all([
      this.putBackRefs(request, before),
      this.worktrees.snapshot(worktree, 'taken out'),
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
    if (snapshot.changes.length === 0) this.clean.note(request.workspace, snapshot.tip);
    return { type: 'kept', snapshot };
  }

  /** The same for a stage that failed by itself: its work in the worktree is put aside when the next run begins. */
  async overstepOutside(request: StageRunRequest): Promise<Failure | null> {
    const { run, worktree } = request;
    const before = await this.surroundingsBefore(request);
    const programs = await this.putBackPrograms(worktree, before);
    const refs = await this.putBackRefs(request, before);
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
    this.clean.note(workspace, commit);
    return commit === head ? null : commit;
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
    { worktree, workspace }: StageRunRequest,
    before: Surroundings | null,
  ): Promise<readonly string[]> {
    if (before === null) return [];
    const at = performance.now();
    const { refs, findings } = await this.worktrees.putBackRefs(worktree, before);
    if (findings.length === 0) this.refs.note(workspace, refs, at);
    return findings;
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
