import { randomUUID } from 'node:crypto';
import type { ContainerLimits, ContainerSpec, EngineInfo, Mount } from './containerEngine.ts';
import type { LeaseRequest } from '../ports/isolation.ts';
import { inside, leaseFiles } from './containerLayout.ts';
import { initPace } from './containerScripts.ts';
import type { ObjectStores } from './objectStores.ts';

/** A container's user: the host's own ids, so that files in the worktree belong to the person. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

/** Ids that stand for the person where the host has none to offer (Docker Desktop maps them). */
const fallbackId = 1000;

/** Never root: neither on a host that runs as root nor where there are no such ids. */
export function containerUser(host: { readonly uid: number; readonly gid: number } | null): ContainerUser {
  return host === null || host.uid === 0 ? { uid: fallbackId, gid: fallbackId } : host;
}

export const labels = {
  /** `lease` or `probe`. */
  role: 'orchestrator-manager.role',
  storage: 'orchestrator-manager.storage',
  lease: 'orchestrator-manager.lease',
  task: 'orchestrator-manager.task',
  port: 'orchestrator-manager.port',
  generation: 'orchestrator-manager.generation',
  enginePid: 'orchestrator-manager.engine-pid',
  /** Path of Claude Code inside, so that an adopted container need not be asked. */
  claude: 'orchestrator-manager.claude',
  /** How its process 1 takes orders. */
  orders: 'orchestrator-manager.orders',
} as const;

/** Changes with what process 1 makes of an order: a container that takes others cannot be adopted. */
export const orderFormat = '1';

/** Room for a build and its tests beside the CLI's 210 MB, but never all of a small machine. */
export function defaultLimits({ cpus, memoryBytes }: EngineInfo): ContainerLimits {
  return {
    memoryBytes: Math.min(4 * 2 ** 30, Math.floor(memoryBytes * 0.75)),
    cpus: Math.min(2, cpus),
    pids: 1024,
  };
}

export interface LeaseContainer {
  readonly storageId: string;
  readonly request: LeaseRequest;
  readonly worktreePath: string;
  readonly user: ContainerUser;
  readonly image: string;
  readonly stores: ObjectStores;
  /** Claude Code on the host to bind, or null when the image has its own at `claudePath`. */
  readonly claudeOnHost: string | null;
  /** Path of Claude Code inside. */
  readonly claudePath: string;
  /** True when the image's password file does not know the user and ours is to be bound over it. */
  readonly bindPasswd: boolean;
  readonly limits: ContainerLimits;
  readonly whenEnded: ContainerSpec['whenEnded'];
}

/** The container of one lease: read-only but for the worktree, the task's run directories and tmpfs. */
export function leaseContainer(lease: LeaseContainer): ContainerSpec {
  const { request, user, stores } = lease;
  const files = leaseFiles(request.runsPath);
  const generation = request.leaseId.slice(request.leaseId.indexOf('.') + 1);
  // What lies in a tmpfs counts as memory: without a size, a program that fills one has the kernel kill the agent, which
  // is bigger than it is, instead of being told that the disk is full. Together they leave room for the agent itself.
  const size = (share: number) => `size=${Math.floor(lease.limits.memoryBytes * share)}`;
  // The defaults of a tmpfs forbid execution, which breaks tools that unpack programs or libraries there.
  const own = (share: number) => `exec,uid=${user.uid},gid=${user.gid},mode=700,${size(share)}`;
  const mounts: Mount[] = [
    { source: lease.worktreePath, target: inside.workspace, readOnly: false },
    { source: files.gitFile, target: inside.gitFile, readOnly: true },
    { source: request.runsPath, target: inside.runs, readOnly: false },
    { source: files.folder, target: inside.lease, readOnly: true },
    ...stores.mounts(files.empty),
  ];
  if (lease.bindPasswd) mounts.push({ source: files.passwd, target: '/etc/passwd', readOnly: true });
  if (lease.claudeOnHost !== null)
    mounts.push({ source: lease.claudeOnHost, target: inside.claude, readOnly: true });
  return {
    name: containerName(lease.storageId, request.leaseId),
    image: lease.image,
    labels: {
      [labels.role]: 'lease',
      [labels.storage]: lease.storageId,
      [labels.lease]: request.leaseId,
      [labels.task]: request.taskId,
      [labels.port]: String(request.port),
      [labels.generation]: generation,
      [labels.enginePid]: String(process.pid),
      [labels.claude]: lease.claudePath,
      [labels.orders]: orderFormat,
    },
    user: `${user.uid}:${user.gid}`,
    command: init(),
    // HOME has to be set: Claude Code crashes without it where the user id has no name.
    env: { HOME: inside.home, TMPDIR: '/tmp', LANG: 'C.UTF-8' },
    workingDir: inside.workspace,
    mounts,
    tmpfs: {
      '/tmp': `exec,mode=1777,${size(3 / 8)}`,
      [inside.home]: own(3 / 8),
      [inside.gitDir]: own(1 / 8),
    },
    port: { host: request.port, container: inside.port },
    limits: lease.limits,
    whenEnded: lease.whenEnded,
  };
}

/** A container without network or mounts that only tells what its image offers. */
export function probeContainer(storageId: string, image: string, user: ContainerUser): ContainerSpec {
  return {
    name: containerName(storageId, `probe-${randomUUID()}`),
    image,
    labels: { [labels.role]: 'probe', [labels.storage]: storageId },
    user: `${user.uid}:${user.gid}`,
    // It lasts a minute even if nobody removes it.
    command: ['sh', '-c', 'sleep 60'],
    env: {},
    workingDir: '/',
    mounts: [],
    tmpfs: {},
    port: null,
    limits: { memoryBytes: 256 * 2 ** 20, cpus: 1, pids: 64 },
    whenEnded: 'removed',
  };
}

function init(): readonly string[] {
  const { lookSeconds, graceLooks } = initPace;
  return ['sh', `${inside.lease}/init.sh`, String(lookSeconds), String(graceLooks)];
}

/** Docker takes letters, digits and `_.-` only. */
function containerName(storageId: string, suffix: string): string {
  return `orchestrator-${storageId.replace(/[^a-zA-Z0-9_-]/g, '').slice(0, 64)}-${suffix}`;
}
