import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';
import { readIfPresent, writeWhole } from '../process/runDirectory.ts';
import type { Git } from './git.ts';
import { refByFiles } from './refFiles.ts';
import { branchRef, type Worktree } from './worktree.ts';

const recordSchema = v.object({
  taskId: v.string(),
  branch: v.string(),
  baseBranch: v.nullable(v.string()),
  baseCommit: v.string(),
});

/** What never changes about a task's worktree. */
export type WorktreeRecord = v.InferOutput<typeof recordSchema>;

const markerSchema = v.object({
  ...recordSchema.entries,
  /** Whether its files were checked out and copied once. */
  populated: v.boolean(),
  /** Repository-relative paths that are never committed. */
  copiedFiles: v.array(v.string()),
  /** Written before the base branch moves: the branch's tip that was taken over, and the commit that holds it. */
  accepted: v.nullable(
    v.object({
      strategy: v.picklist(['squash', 'merge', 'none']),
      tip: v.string(),
      /** null for `none`. */
      commit: v.nullable(v.string()),
    }),
  ),
});

/** What makes an entry of git's list of worktrees ours, and how far it is. Lies in the entry's folder. */
export type Marker = v.InferOutput<typeof markerSchema>;

const markerFile = 'orchestrator-task';

/** Null also when it is damaged: on the host an agent can write there, and `ensure` makes it anew from the record. */
export async function readMarker(adminDir: string): Promise<Marker | null> {
  const text = await readIfPresent(join(adminDir, markerFile));
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), markerSchema), text);
  return parsed.success ? parsed.output : null;
}

export async function writeMarker(adminDir: string, marker: Marker): Promise<void> {
  await writeWhole(join(adminDir, markerFile), `${JSON.stringify(marker, null, 2)}\n`);
}

export function freshMarker(record: WorktreeRecord): Marker {
  return { ...record, populated: false, copiedFiles: [], accepted: null };
}

/** The marker of a worktree that `ensure` returned; without it there is nothing to work on. */
export async function markerOf({ adminDir, path }: Worktree): Promise<Marker> {
  const marker = await readMarker(adminDir);
  if (marker !== null) return marker;
  throw new OrchestratorError(
    'environment',
    `The worktree "${path}" is not registered with its repository any more.`,
    {
      remedy: 'Retry the task: its worktree is made again from its branch.',
    },
  );
}

export async function updateMarker(worktree: Worktree, change: Partial<Marker>): Promise<void> {
  await writeMarker(worktree.adminDir, { ...(await markerOf(worktree)), ...change });
}

/**
 * The record outlives the marker: an annotated tag on the base commit. It tells a task's own branch from one of the same
 * name when git's entry is gone, and keeps the base from being collected.
 */
const recordRef = (taskId: string): string => `refs/orchestrator/${taskId}/base`;

export async function readRecord(
  git: Git,
  commonGitDir: string,
  taskId: string,
): Promise<WorktreeRecord | null> {
  if ((await refByFiles(commonGitDir, recordRef(taskId))) === null) return null;
  const { exitCode, stdout } = await git.ask(['cat-file', 'tag', recordRef(taskId)], { answers: [0, 128] });
  if (exitCode !== 0) return null;
  return v.parse(recordSchema, JSON.parse(stdout.slice(stdout.indexOf('\n\n'))));
}

/** For a branch that is there already. */
export async function writeRecord(git: Git, record: WorktreeRecord): Promise<void> {
  await git.run(['update-ref', recordRef(record.taskId), await recordTag(git, record)]);
}

/** With the branch at its base, which must not be there yet: both or, when that fails, neither. */
export async function writeRecordAndBranch(git: Git, record: WorktreeRecord): Promise<void> {
  const id = await recordTag(git, record);
  // In this order: what a crash leaves of them is the record, by which the branch is made.
  const refs = [
    `update ${recordRef(record.taskId)} ${id}`,
    `create ${branchRef(record.branch)} ${record.baseCommit}`,
    '',
  ];
  await git.run(['update-ref', '-m', 'orchestrator: task', '--stdin'], { input: refs.join('\n') });
}

function recordTag(git: Git, record: WorktreeRecord): Promise<string> {
  const tag = [
    `object ${record.baseCommit}`,
    'type commit',
    `tag orchestrator-${record.taskId}`,
    'tagger Orchestrator <orchestrator@localhost> 0 +0000',
    '',
    JSON.stringify(record),
    '',
  ];
  return git.line(['mktag'], { input: tag.join('\n') });
}

export async function removeRecord(git: Git, taskId: string): Promise<void> {
  await git.run(['update-ref', '-d', recordRef(taskId)]);
}

/** Takes away git's entry of a worktree: only this one, where `git worktree prune` would take other people's too. */
export async function removeAdminDir(adminDir: string): Promise<void> {
  await rm(adminDir, { recursive: true, force: true });
}
