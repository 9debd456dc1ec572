import { mkdir } from 'node:fs/promises';
import type { LeaseId } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Isolation, LeaseRequest, Workspace } from '../ports/isolation.ts';
import type { Logger } from '../ports/logger.ts';
import { writeWhole } from '../process/runDirectory.ts';
import { findLinuxClaude } from './claudeBinary.ts';
import type { ContainerEngine, ContainerLimits, ContainerSummary, EngineInfo } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';
import { ContainerEvents } from './containerEvents.ts';
import { inside, leaseFiles } from './containerLayout.ts';
import { initScript, runScript } from './containerScripts.ts';
import { reapContainers } from './containerReaper.ts';
import type { ContainerUser } from './containerSpec.ts';
import { containerUser, defaultLimits, labels, leaseContainer, orderFormat } from './containerSpec.ts';
import { ContainerWorkspace, type ContainerWorkspaceParts } from './containerWorkspace.ts';
import type { PreparedImage } from './image.ts';
import { ContainerImages } from './image.ts';
import { LeaseDeadline } from './leaseDeadline.ts';
import { findObjectStores } from './objectStores.ts';
import { giveOne, giveTree } from './runFolder.ts';
import { checkServiceAddress } from './serviceAddress.ts';
import { isPortTaken, portTaken } from './slotPort.ts';

export interface DockerIsolationOptions {
  /** Tells this storage's containers from those of every other. */
  readonly storageId: string;
  /** Folder of the Dockerfile for the image of our own. */
  readonly buildContext: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Told while the image is built, a line at a time. */
  readonly onProgress: (text: string) => void;
  /** The engine's address; null or left out = the one the user's `docker` command uses. */
  readonly address?: string | null;
  /** The engine to use in place of one at an address. */
  readonly openEngine?: () => Promise<ContainerEngine>;
  /** Other limits than those that suit this machine. */
  readonly limits?: Partial<ContainerLimits>;
}

/** What is known once the engine has answered. */
interface Connection {
  readonly engine: ContainerEngine;
  readonly images: ContainerImages;
  readonly events: ContainerEvents;
}

/** Gives each lease a fresh, hardened container of the local Docker engine. */
export class DockerIsolation implements Isolation {
  readonly kind = 'docker';
  private readonly options: DockerIsolationOptions;
  private readonly user: ContainerUser;
  private readonly giveTo: ContainerUser | null;
  private readonly closing = new AbortController();
  private readonly deadlines = new Map<LeaseId, LeaseDeadline>();
  /** What happens to a lease happens in order. */
  private readonly work = new Map<LeaseId, Promise<unknown>>();
  private connecting: Promise<Connection> | null = null;

  constructor(options: DockerIsolationOptions) {
    this.options = options;
    const uid = process.getuid?.();
    const gid = process.getgid?.();
    // Elsewhere than on Linux, Docker Desktop shows every file as the container user's own.
    const host = process.platform === 'linux' && uid !== undefined && gid !== undefined ? { uid, gid } : null;
    this.user = containerUser(host);
    this.giveTo = host?.uid === 0 ? this.user : null;
  }

  acquire(request: LeaseRequest, signal: AbortSignal): Promise<Workspace> {
    return this.inOrder(request.leaseId, async () => {
      signal.throwIfAborted();
      const connection = await this.connect();
      const running = await this.clearSlot(connection.engine, request);
      if (running !== null) return this.adopt(connection, request, running);
      return this.make(connection, request, signal);
    });
  }

  release(leaseId: LeaseId): Promise<void> {
    return this.inOrder(leaseId, async () => {
      this.keepNoLonger(leaseId);
      const { engine } = await this.connect();
      const found = await engine.list({
        [labels.storage]: this.options.storageId,
        [labels.role]: 'lease',
        [labels.lease]: leaseId,
      });
      await Promise.all(found.map((container) => engine.remove(container.id)));
    });
  }

  async reap(live: ReadonlySet<LeaseId>): Promise<void> {
    const { engine } = await this.connect();
    await reapContainers(engine, this.options.storageId, live, this.options.logger);
  }

  async check(request: {
    readonly image: string | null;
    readonly claudePath: string | null;
    readonly baseUrl: string | null;
  }): Promise<void> {
    checkServiceAddress(request.baseUrl);
    if (request.baseUrl !== null) assertReachableFromInside(request.baseUrl);
    const { engine, images } = await this.connect();
    const info = await engine.info();
    if (info.remapsUsers) {
      throw new OrchestratorError(
        'environment',
        'This Docker engine maps user ids, so a container cannot write to the worktree.',
        {
          remedy: 'Use an engine that is neither rootless nor set to userns-remap, or process isolation.',
        },
      );
    }
    const image = await asEnvironment(images.check(request.image));
    if (image !== null) await this.claudeFor(image, request.claudePath, info.architecture);
  }

  close(): Promise<void> {
    this.closing.abort(new OrchestratorError('internal', 'The isolation is closed.'));
    for (const deadline of this.deadlines.values()) deadline.stop();
    this.deadlines.clear();
    return this.connecting === null
      ? Promise.resolve()
      : this.connecting.then(
          ({ events }) => events.close(),
          () => {},
        );
  }

  /** Loads the Docker client at the first use: it is big, and most starts of the engine do not need it. */
  private connect(): Promise<Connection> {
    const open = async () => {
      const { storageId, buildContext, onProgress, logger, openEngine, address = null } = this.options;
      const engine = await (openEngine?.() ??
        import('./dockerEngine.ts').then(({ openDockerEngine }) => openDockerEngine(address)));
      const images = new ContainerImages({ engine, storageId, buildContext, user: this.user, onProgress });
      return { engine, images, events: new ContainerEvents(engine, { [labels.storage]: storageId }, logger) };
    };
    this.connecting ??= open().catch((error: unknown) => {
      this.connecting = null;
      throw error;
    });
    return this.connecting;
  }

  /** The lease's own container if it runs; removes what else this storage has left on the slot. */
  private async clearSlot(engine: ContainerEngine, request: LeaseRequest): Promise<ContainerSummary | null> {
    const onSlot = await engine.list({
      [labels.storage]: this.options.storageId,
      [labels.port]: String(request.port),
    });
    let running: ContainerSummary | null = null;
    for (const container of onSlot) {
      const ours =
        container.labels[labels.lease] === request.leaseId &&
        container.labels[labels.task] === request.taskId &&
        container.labels[labels.orders] === orderFormat;
      // The list may be out of date; only this answer says whether it runs.
      if (ours && (await engine.isRunning(container.id)) === true) running = container;
      else await engine.remove(container.id);
    }
    return running;
  }

  private async adopt(
    connection: Connection,
    request: LeaseRequest,
    container: ContainerSummary,
  ): Promise<Workspace> {
    this.options.logger.info('docker.adopt', { lease: request.leaseId, container: container.name });
    const claudePath = container.labels[labels.claude] ?? inside.claude;
    const stores = await findObjectStores((await request.worktree.registered).commonGitDir);
    return this.workspace(connection, request, {
      containerId: container.id,
      claudePath,
      isGiven: false,
      objectStores: stores.pathsInside,
    });
  }

  private async make(connection: Connection, request: LeaseRequest, signal: AbortSignal): Promise<Workspace> {
    const { engine } = connection;
    // All that a container is made of is brought together while the worktree is made.
    const [{ image, claudeOnHost, info }, worktree] = await Promise.all([
      this.prepare(connection, request, signal),
      request.worktree.registered,
    ]);
    const stores = await findObjectStores(worktree.commonGitDir);
    // Process 1 has to get in; what else is there may still be on its way.
    if (this.giveTo !== null) await giveOne(worktree.path, this.giveTo);
    const claudePath = image.claudePath ?? inside.claude;
    const bindPasswd = !image.passwd.split('\n').some((line) => line.split(':')[2] === String(this.user.uid));
    const spec = leaseContainer({
      storageId: this.options.storageId,
      request,
      worktreePath: worktree.path,
      user: this.user,
      image: image.id,
      stores,
      claudeOnHost,
      claudePath,
      bindPasswd,
      limits: { ...defaultLimits(info), ...this.options.limits },
      // Older engines that keep containers through their own restart remove those that are to go when they end, though
      // they have not ended. What stays behind instead goes with its lease, or is reaped.
      whenEnded: info.liveRestore ? 'kept' : 'removed',
    });
    signal.throwIfAborted();
    const id = await asEnvironment(engine.create(spec));
    const started = async () => {
      await engine.start(id);
      signal.throwIfAborted();
      return this.workspace(connection, request, {
        containerId: id,
        claudePath,
        isGiven: true,
        objectStores: stores.pathsInside,
      });
    };
    try {
      // A checkout may take longer than a container lasts whose lease nobody keeps.
      const [workspace, given] = await Promise.allSettled([started(), this.giveWorktree(request)]);
      if (workspace.status === 'rejected') throw workspace.reason;
      if (given.status === 'rejected') throw given.reason;
      return workspace.value;
    } catch (error) {
      this.keepNoLonger(request.leaseId);
      // One that could not be started stays, and holds its name.
      await engine.remove(id);
      throw isPortTaken(error) ? await portTaken(engine, request.port, error) : environmentError(error);
    }
  }

  /** What a container is made of, but for the worktree. */
  private async prepare(
    { engine, images }: Connection,
    request: LeaseRequest,
    signal: AbortSignal,
  ): Promise<{
    readonly image: PreparedImage;
    readonly claudeOnHost: string | null;
    readonly info: EngineInfo;
  }> {
    const [image, info] = await Promise.all([
      unlessAborted(asEnvironment(images.prepare(request.image)), signal),
      engine.info(),
    ]);
    const claudeOnHost = await this.claudeFor(image, request.claudePath, info.architecture);
    await this.prepareLeaseFiles(request, image);
    return { image, claudeOnHost, info };
  }

  /** The files that a checkout gives it, on a host where they are root's. */
  private async giveWorktree({ worktree }: LeaseRequest): Promise<void> {
    await worktree.populated;
    if (this.giveTo !== null) await giveTree((await worktree.registered).path, this.giveTo);
  }

  private async workspace(
    { engine, events }: Connection,
    request: LeaseRequest,
    made: Pick<ContainerWorkspaceParts, 'containerId' | 'claudePath' | 'isGiven' | 'objectStores'>,
  ): Promise<Workspace> {
    const { clock, logger } = this.options;
    const { giveTo } = this;
    this.deadlines.get(request.leaseId)?.stop();
    const deadline = new LeaseDeadline(leaseFiles(request.runsPath).deadline, giveTo, clock);
    await deadline.keep((error) =>
      logger.warn('docker.lease-not-renewed', { lease: request.leaseId, error: String(error) }),
    );
    if (this.closing.signal.aborted) deadline.stop();
    else this.deadlines.set(request.leaseId, deadline);
    const { path: worktreeOnHost } = await request.worktree.registered;
    const closed = this.closing.signal;
    return new ContainerWorkspace({
      ...made,
      engine,
      request,
      worktreeOnHost,
      giveTo,
      deadline,
      events,
      clock,
      closed,
    });
  }

  private keepNoLonger(leaseId: LeaseId): void {
    this.deadlines.get(leaseId)?.stop();
    this.deadlines.delete(leaseId);
  }

  /** Files that the container has bound from its very start. */
  private async prepareLeaseFiles(request: LeaseRequest, image: PreparedImage): Promise<void> {
    const files = leaseFiles(request.runsPath);
    await mkdir(files.folder, { recursive: true });
    const { uid, gid } = this.user;
    const knownUser = `agent:x:${uid}:${gid}:agent:${inside.home}:/bin/sh\n`;
    await Promise.all([
      writeWhole(files.gitFile, `gitdir: ${inside.gitDir}\n`),
      writeWhole(files.empty, ''),
      writeWhole(files.passwd, `${image.passwd.trimEnd()}\n${knownUser}`),
      writeWhole(files.initScript, initScript),
      writeWhole(files.runScript, runScript),
      new LeaseDeadline(files.deadline, null, this.options.clock).extend(this.options.clock.now() + 60_000),
    ]);
    if (this.giveTo === null) return;
    await giveTree(request.runsPath, this.giveTo);
  }

  /** The host's Claude Code to bind, or null when the image has its own. */
  private async claudeFor(
    image: PreparedImage,
    given: string | null,
    architecture: string,
  ): Promise<string | null> {
    if (image.claudePath !== null) return null;
    const found = await findLinuxClaude(given, process.env.PATH ?? '', architecture);
    if (found !== null) return found;
    throw new OrchestratorError(
      'environment',
      'Claude Code is neither in the container image nor on this machine as a Linux program.',
      {
        remedy: 'Install Claude Code in the image, or set the path of the Linux executable.',
      },
    );
  }

  private async inOrder<Value>(leaseId: LeaseId, task: () => Promise<Value>): Promise<Value> {
    const result = (this.work.get(leaseId) ?? Promise.resolve()).then(task);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.work.set(leaseId, settled);
    void settled.then(() => {
      if (this.work.get(leaseId) === settled) this.work.delete(leaseId);
    });
    return result;
  }
}

/** Throws for an address that means this machine: inside a container it means the container. */
function assertReachableFromInside(baseUrl: string): void {
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : '';
  if (!/^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(host)) return;
  throw new OrchestratorError(
    'environment',
    `A container cannot reach ${baseUrl}: inside, ${host} is the container itself.`,
    {
      remedy:
        'Let the service listen on an address that containers can reach and use host.docker.internal, or use process isolation.',
    },
  );
}

async function asEnvironment<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    throw environmentError(error);
  }
}

function environmentError(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  return new OrchestratorError('environment', `Docker refused to make the container: ${error.message}`, {
    cause: error,
  });
}

/** Stops waiting at abort; the work goes on, since others may wait for it too. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
