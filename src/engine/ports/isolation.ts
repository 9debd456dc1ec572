import type { SlotPort } from '../domain/allocation.ts';
import type { LeaseId, TaskId } from '../domain/ids.ts';
import type { IsolationKind } from '../domain/task.ts';

/** What a lease needs to know to make a place where a task's commands can run. */
export interface LeaseRequest {
  readonly leaseId: LeaseId;
  readonly taskId: TaskId;
  readonly port: SlotPort;
  readonly worktree: ComingWorktree;
  /** Host folder that holds the run directories of this task; exists. */
  readonly runsPath: string;
  /** Claude Code executable on the host; null = found by the isolation. */
  readonly claudePath: string | null;
  readonly image: string | null;
}

/** A task's worktree, which is made while a place for its commands is. */
export interface ComingWorktree {
  /** Resolves when its folder is there, with its `.git` file. */
  readonly registered: Promise<WorktreePlace>;
  /** Resolves when its other files are, too. */
  readonly populated: Promise<unknown>;
}

export interface WorktreePlace {
  /** Host path of the worktree. */
  readonly path: string;
  /** Host path of the main repository's `.git` directory (the common one). */
  readonly commonGitDir: string;
}

/** One that is there with all its files. */
export function standing(place: WorktreePlace): ComingWorktree {
  const there = Promise.resolve(place);
  return { registered: there, populated: there };
}

/** A command to run detached, with its streams in files of the run directory. */
export interface Launch {
  /** Host path of the run directory, below the lease's `runsPath`; exists. */
  readonly runDir: string;
  /** Program and arguments, by the paths that hold inside the workspace. No shell in between. */
  readonly argv: readonly [string, ...string[]];
  /** Fed to the program's standard input, then end of file. */
  readonly stdin: string;
  /** The whole environment, on top of the workspace's own `HOME`, `PATH`, `LANG` and `TMPDIR`. May hold secrets: never written to disk. */
  readonly env: Readonly<Record<string, string>>;
  /** After this many ms the program is ended, engine or no engine. */
  readonly timeoutMs: number;
  /**
   * At which commit of which branch git inside is to see the worktree: needed where its files are complete and have a
   * history. In a container it resets the private git directory; on the host there is nothing to do.
   */
  readonly checkout?: Checkout;
}

export interface Checkout {
  readonly branch: string;
  readonly commit: string;
  /** Host path of an index of these files, or of what they were: what it knows of them, git inside need not read. None need be there. */
  readonly indexFile: string;
}

/** What is known of a program before its run begins: all that it is started with but its input. */
export type ExpectedProgram = Pick<Launch, 'argv' | 'env'>;

/** How a launched program ended, read from the run directory's exit record. */
export interface ExitRecord {
  /** Exit code; null when a signal ended it or nobody knows. */
  readonly code: number | null;
  readonly signal: string | null;
  /** `lost`: it is gone and left no record (killed with its supervisor, container removed, machine restarted). */
  readonly reason: 'exited' | 'timeout' | 'stopped' | 'lost';
  /** What is known beyond that, for a person: `out of memory`, `container removed`. */
  readonly detail?: string;
}

/** The place where one task's commands run: a container or the host itself. Output always lands in host files. */
export interface Workspace {
  readonly isolation: IsolationKind;
  /** Host port on which the task's app answers; null in process isolation. */
  readonly containerPort: number | null;
  /** The worktree's path as programs inside see it. */
  readonly worktreePath: string;
  /** Path of the Claude Code executable inside. Throws `environment` when there is none: only a program yet to be started needs it. */
  claude(): Promise<string>;
  /** The path inside of a host path below `runsPath`. */
  pathInside(hostPath: string): string;
  /**
   * A program will be started soon: what takes long is done now. One that is known (not null) may be started already, to wait
   * for its input; `start` of a program that differs in anything starts that one. Nothing is owed if none comes.
   */
  expectRun(program: (() => Promise<ExpectedProgram>) | null): Promise<void>;
  /** Starts it; does nothing when this run directory was started before. Resolves once it is under way. */
  start(launch: Launch): Promise<void>;
  /** False when nothing was ever started in this run directory. */
  wasStarted(runDir: string): Promise<boolean>;
  /** Resolves when the program has ended and its whole process tree with it. Aborting only stops waiting. */
  ended(runDir: string, signal: AbortSignal): Promise<ExitRecord>;
  /** Ends the program and everything it started: asks first, then kills. Resolves when `ended` would. */
  stop(runDir: string): Promise<void>;
}

/** A way to give tasks a workspace. Docker and process isolation implement it. */
export interface Isolation {
  readonly kind: IsolationKind;
  /** Idempotent: a lease that still stands is adopted. `port-taken` when someone else listens on the slot's port. */
  acquire(request: LeaseRequest, signal: AbortSignal): Promise<Workspace>;
  /** Removes what the lease made, with all that runs in it; fine when it is gone already. */
  release(leaseId: LeaseId): Promise<void>;
  /** Removes what earlier engines of this storage left over, except these leases. */
  reap(live: ReadonlySet<LeaseId>): Promise<void>;
  /** Throws an `environment` error with its remedy when this isolation cannot work here. */
  check(request: {
    readonly image: string | null;
    readonly claudePath: string | null;
    readonly baseUrl: string | null;
  }): Promise<void>;
  close(): Promise<void>;
}
