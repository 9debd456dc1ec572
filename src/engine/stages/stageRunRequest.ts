import type { Bundle } from '../context/bundle.ts';
import type { Digest, RunId } from '../domain/ids.ts';
import type { Run, Task } from '../domain/task.ts';
import type { Workspace } from '../ports/isolation.ts';
import type { Worktree } from '../worktrees/worktreeManager.ts';
import type { StageContext } from './stageDefinition.ts';

/** What the stage was given: the run as recorded, and the bundles behind its input digests. */
export interface StageRunRequest {
  readonly task: Task;
  readonly run: Run;
  readonly workspace: Workspace;
  readonly worktree: Worktree;
  readonly runDir: string;
  /** Where the directories of other runs lie. */
  readonly runDirOf: (id: RunId) => string;
  /** Where the engine notes how the run began; out of the agent's reach. */
  readonly startFile: string;
  readonly context: StageContext;
  readonly inputs: readonly { readonly digest: Digest; readonly bundle: Bundle }[];
}
