import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { ExitRecord, Launch, LeaseRequest, Workspace } from '../ports/isolation.ts';
import { readTail } from '../process/readTail.ts';
import { runFiles, writeWhole } from '../process/runDirectory.ts';
import { copyIndex } from '../worktrees/ownIndex.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';
import type { ContainerEvents } from './containerEvents.ts';
import { inside, leaseFiles } from './containerLayout.ts';
import { endingMs, waitForRun } from './containerRun.ts';
import { containerOrder } from './containerOrder.ts';
import { gitFailed, hostIndex, markers, stopScript } from './containerScripts.ts';
import type { ContainerUser } from './containerSpec.ts';
import type { LeaseDeadline } from './leaseDeadline.ts';
import { filterVariable, outputFilterOf } from './outputFilter.ts';
import type { LaunchRecord } from './runRecords.ts';
import { readLaunch } from './runRecords.ts';
import { assertRealFolder, giveOne, giveTree, isRegularFile, relativeInside } from './runFolder.ts';

export interface ContainerWorkspaceParts {
  readonly engine: ContainerEngine;
  readonly containerId: string;
  readonly request: LeaseRequest;
  readonly claudePath: string;
  /** Host path. */
  readonly worktreeOnHost: string;
  /** The folders inside that git reads objects from. */
  readonly objectStores: readonly string[];
  /** Set when the host's files have to be given to the container's user, because the host runs as root. */
  readonly giveTo: ContainerUser | null;
  /** Whether the worktree was given as it is. */
  readonly isGiven: boolean;
  readonly deadline: LeaseDeadline;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  /** Aborts when the isolation is closed. */
  readonly closed: AbortSignal;
}

const gitWordsBytes = 2_000;

/** What only the inside writes, and what it is left by us: nothing of it may be there before a run. */
const foreignFiles = [runFiles.stdout, runFiles.stderr, runFiles.owner, runFiles.exit, hostIndex, ...markers];

/** A task's container. It holds nothing: whatever matters lies in the worktree and the run directories. */
export class ContainerWorkspace implements Workspace {
  readonly isolation = 'docker';
  readonly containerPort: number;
  readonly worktreePath = inside.workspace;
  private readonly parts: ContainerWorkspaceParts;
  private isGiven: boolean;

  constructor(parts: ContainerWorkspaceParts) {
    this.parts = parts;
    this.containerPort = parts.request.port;
    this.isGiven = parts.isGiven;
  }

  async claude(): Promise<string> {
    return this.parts.claudePath;
  }

  pathInside(hostPath: string): string {
    const below = relativeInside(this.parts.request.runsPath, hostPath);
    return below === '' ? inside.runs : `${inside.runs}/${below}`;
  }

  /** Nothing to do: a shell in the container is there at once. */
  async expectRun(): Promise<void> {}

  async start(launch: Launch): Promise<void> {
    if (await this.wasStarted(launch.runDir)) return;
    const { engine, containerId, request, deadline, clock } = this.parts;
    const git = this.gitArguments(launch.checkout);
    await assertRealFolder(request.runsPath, launch.runDir);
    await this.makeReady(launch);
    const { argv, env, timeoutMs } = launch;
    const timeoutSeconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
    const filter = outputFilterOf(env);
    const runDir = this.pathInside(launch.runDir);
    const order = containerOrder(runDir, filter === null ? env : { ...env, [filterVariable]: filter }, [
      timeoutSeconds,
      ...git,
      ...argv,
    ]);
    const input = await this.inContainer(() => engine.openInput(containerId));
    try {
      await Promise.all([this.announce(order.token), deadline.extend(clock.now() + timeoutMs + endingMs)]);
      const record: LaunchRecord = { containerId, timeoutMs };
      const launchFile = join(launch.runDir, runFiles.launch);
      await writeWhole(launchFile, JSON.stringify({ argv, startedAt: clock.now(), ...record }));
    } catch (error) {
      input.close();
      throw error;
    }
    // A connection that breaks is no refusal: what became of the order is for whoever waits for the run to find out.
    await input.end(order.text).catch(() => input.close());
  }

  async wasStarted(runDir: string): Promise<boolean> {
    return isRegularFile(join(runDir, runFiles.launch));
  }

  async ended(runDir: string, signal: AbortSignal): Promise<ExitRecord> {
    const { engine, containerId, events, clock, closed } = this.parts;
    const record = await waitForRun({
      engine,
      containerId,
      events,
      clock,
      runDir,
      launch: await readLaunch(runDir),
      signal: AbortSignal.any([signal, closed]),
    });
    if (record.detail === gitFailed) {
      const words = (await readTail(join(runDir, runFiles.stderr), gitWordsBytes)).toString('utf8').trim();
      throw new OrchestratorError('environment', `Git could not be set up in the container: ${words}`, {
        remedy: 'Check that the image has git 2.30 or newer and that the repository is sound ("git fsck").',
      });
    }
    return record;
  }

  async stop(runDir: string): Promise<void> {
    const { engine, containerId, closed } = this.parts;
    if (!(await this.wasStarted(runDir))) return;
    if (!(await isRegularFile(join(runDir, runFiles.exit)))) {
      const argv = ['sh', '-c', stopScript, 'orchestrator-stop', this.pathInside(runDir)];
      try {
        await engine.run(containerId, argv);
      } catch (error) {
        if (!EngineError.is(error)) throw error;
        // Gone already, or paused, or so stuck that no command gets in: then it ends with its container.
        await engine.remove(containerId);
        return;
      }
    }
    await this.ended(runDir, closed);
  }

  /** The files of a run that begins, and whose they are. */
  private async makeReady({ runDir, stdin, checkout }: Launch): Promise<void> {
    const { request, worktreeOnHost, giveTo } = this.parts;
    // An earlier run's agent could have put records of its own making there.
    await Promise.all(foreignFiles.map((name) => rm(join(runDir, name), { recursive: true, force: true })));
    await writeWhole(join(runDir, runFiles.stdin), stdin);
    if (checkout !== undefined) await copyIndex(checkout.indexFile, join(runDir, hostIndex));
    if (giveTo === null) return;
    // Whoever gave a commit may have put files there.
    if (!this.isGiven || checkout !== undefined) await giveTree(worktreeOnHost, giveTo);
    this.isGiven = true;
    await giveTree(request.runsPath, giveTo);
  }

  /** Where no agent can write: process 1 obeys the order that has this token, and no other. */
  private async announce(token: string): Promise<void> {
    const { request, giveTo } = this.parts;
    const { order } = leaseFiles(request.runsPath);
    await writeWhole(order, `${token}\n`);
    if (giveTo !== null) await giveOne(order, giveTo);
  }

  /** As `runScript` takes them. */
  private gitArguments(checkout: Launch['checkout']): readonly string[] {
    if (checkout === undefined) return ['', '', '', '0'];
    const { branch, commit } = checkout;
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit))
      throw new OrchestratorError('internal', `Not a commit id: ${commit}`);
    const { objectStores } = this.parts;
    const format = commit.length === 64 ? 'sha256' : 'sha1';
    return [branch, commit, format, String(objectStores.length), ...objectStores];
  }

  /** A container that vanished is a run that died: another try gets another container. */
  private async inContainer<Value>(call: () => Promise<Value>): Promise<Value> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.status === 404 || error.status === 409) {
        throw new OrchestratorError(
          'killed',
          `The container of port ${this.containerPort} is gone: ${error.message}`,
          {
            cause: error,
          },
        );
      }
      throw new OrchestratorError('environment', `Docker refused: ${error.message}`, { cause: error });
    }
  }
}
