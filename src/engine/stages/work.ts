import type { TestRun } from '../context/bundle.ts';
import type { StageResult } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

/** The newest checkpoint, and what the task's work changed since its base. */
export interface Work {
  readonly commit: string;
  readonly files: readonly string[];
  readonly stat: string;
}

export function nothingDone(commit: string): Work {
  return { commit, files: [], stat: '' };
}

export function resultOf(
  { worktree, context }: StageRunRequest,
  work: Work,
  tests: TestRun | null,
): StageResult {
  const { commit, files: changedFiles, stat: diffStat } = work;
  return { context, baseCommit: worktree.baseCommit, commit, changedFiles, diffStat, tests };
}
