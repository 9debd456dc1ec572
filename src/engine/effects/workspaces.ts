import { mkdir } from 'node:fs/promises';
import { slotPorts, type SlotPort } from '../domain/allocation.ts';
import type { LeaseId } from '../domain/ids.ts';
import type { IsolationKind, Task } from '../domain/task.ts';
import type { ComingWorktree, Isolation, Workspace } from '../ports/isolation.ts';
import type { RunPaths } from './runPaths.ts';

/** The workspaces of the leases that stand; each is acquired once and kept until its lease is released. */
export class Workspaces {
  private readonly byLease = new Map<LeaseId, Promise<Workspace>>();
  private readonly isolations: Readonly<Record<IsolationKind, Isolation>>;
  private readonly paths: RunPaths;

  constructor(isolations: Readonly<Record<IsolationKind, Isolation>>, paths: RunPaths) {
    this.isolations = isolations;
    this.paths = paths;
  }

  /** The lease's workspace; made, or adopted from an earlier engine, at the first call. A failed try is forgotten. */
  acquire(task: Task, worktree: ComingWorktree, leaseId: LeaseId, signal: AbortSignal): Promise<Workspace> {
    const known = this.byLease.get(leaseId);
    if (known !== undefined) return known;
    const made = this.make(task, worktree, leaseId, signal);
    this.byLease.set(leaseId, made);
    made.catch(() => this.byLease.delete(leaseId));
    return made;
  }

  /** Makes the next `acquire` look again at what is there: the workspace may have gone between stages. */
  forget(leaseId: LeaseId): void {
    this.byLease.delete(leaseId);
  }

  async release(task: Task, leaseId: LeaseId): Promise<void> {
    const standing = this.byLease.get(leaseId);
    this.byLease.delete(leaseId);
    // One that is still being made must be there before it can be removed.
    await standing?.catch(() => undefined);
    await this.isolations[task.settings.isolation].release(leaseId);
  }

  private async make(
    task: Task,
    worktree: ComingWorktree,
    leaseId: LeaseId,
    signal: AbortSignal,
  ): Promise<Workspace> {
    const runsPath = this.paths.ofTask(task.id);
    await mkdir(runsPath, { recursive: true, mode: 0o700 });
    return this.isolations[task.settings.isolation].acquire(
      {
        leaseId,
        taskId: task.id,
        port: portOf(leaseId),
        worktree,
        runsPath,
        claudePath: task.settings.claudePath,
        image: task.settings.image,
      },
      signal,
    );
  }
}

function portOf(leaseId: LeaseId): SlotPort {
  const port = slotPorts.find((candidate) => leaseId.startsWith(`${candidate}.`));
  if (port === undefined) throw new RangeError(`Lease ${leaseId} names no slot`);
  return port;
}
