import { join } from 'node:path';

/** Where things lie inside a container. */
export const inside = {
  workspace: '/workspace',
  /** What masks the worktree's `.git` file. */
  gitFile: '/workspace/.git',
  /** Private git directory on tmpfs: the repository's own is never writable from inside. */
  gitDir: '/gitdir',
  /** The main repository's objects, read-only; those it borrows from others are at `/objects-1` and so on. */
  objects: '/objects',
  /** The boundary of a shallow clone. */
  shallow: '/shallow',
  /** The task's run directories. */
  runs: '/orchestrator',
  /** Read-only even though it lies below the writable `runs`. */
  lease: '/orchestrator/.lease',
  home: '/home/agent',
  claude: '/opt/claude',
  /** The port the task's app listens on. */
  port: 8080,
} as const;

/** Host files the engine keeps for a task's container, in a folder that the container sees read-only. */
export function leaseFiles(runsPath: string) {
  const folder = join(runsPath, '.lease');
  return {
    folder,
    gitFile: join(folder, 'gitfile'),
    empty: join(folder, 'empty'),
    passwd: join(folder, 'passwd'),
    /** Epoch seconds after which the container ends by itself. */
    deadline: join(folder, 'deadline'),
    /** Process 1, and what it runs for each run. */
    initScript: join(folder, 'init.sh'),
    runScript: join(folder, 'run.sh'),
    /** The token of the order that process 1 is to obey next. */
    order: join(folder, 'order'),
  };
}
