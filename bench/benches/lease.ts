import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerEngine } from '../../src/engine/allocation/containerEngine.ts';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import { leaseIdOf, type LeaseId, taskIdOf } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { Preparation } from '../../src/engine/effects/preparation.ts';
import { RunPaths } from '../../src/engine/effects/runPaths.ts';
import { Workspaces } from '../../src/engine/effects/workspaces.ts';
import { makeIsolations } from '../../src/engine/openOrchestrator.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import type { Workspace } from '../../src/engine/ports/isolation.ts';
import { freshRunDirectory } from '../../src/engine/process/runDirectory.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { StageRunner } from '../../src/engine/stages/stageRunner.ts';
import { WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { hostAddress } from '../harness/engineRoom.ts';
import { runGit } from '../harness/git.ts';
import { ownImage } from '../harness/ownImage.ts';
import { lifeTransitions } from '../harness/seeds.ts';
import { inTurns, timed } from '../harness/turns.ts';

const port = 8081;
const labels = { 'orchestrator-manager.bench': 'lease' };
const fileBytes = 64 * 1024;

const beforeTheContainer =
  'a trace of the requests to Docker and of the programs started shows 30 to 45 ms until the worktree is registered (a record, two refs, the worktree: three git processes that follow from each other; what else a container needs is brought together meanwhile), 12 to 20 ms for its creation, 250 to 350 ms for its start (bare: as long, or a little less where the checkout has a core of its own) and 20 ms until the end of the first command is told. Of what bare takes besides, a checkout of 50 to 60 ms and a `docker exec` of 60 to 75 ms, ours has the first beside the start and not the second; with that start this is 0.85 to 0.95 of bare. It would take a container that starts before its worktree is registered, and so before the `.git` file is there that is masked in it.';
const aroundTheSlot =
  'what is bare takes as long in ours; a trace shows 20 ms before the container’s creation, in which Docker is asked for what it has on the slot and about itself and the files of the lease are written, and 20 ms from its start until the end of the first command is told.';

/** Files of random bytes: nothing of it compresses, as in a repository with pictures. */
async function makeRepository(path: string, megabytes: number): Promise<void> {
  for (let folder = 0; folder < megabytes; folder += 1) {
    await mkdir(join(path, `folder${folder}`), { recursive: true });
    for (let file = 0; file < (1024 * 1024) / fileBytes; file += 1)
      await writeFile(join(path, `folder${folder}`, `file${file}.bin`), randomBytes(fileBytes));
  }
  await runGit(path, 'init', '-q', '-b', 'main');
  await runGit(path, '-c', 'core.compression=0', 'add', '-A');
  await runGit(path, 'commit', '-qm', 'Many files');
}

/** Our leases and bare containers on one repository, in turns on one port. */
class LeaseRoom {
  private readonly context: BenchContext;
  private readonly folder: string;
  private readonly template: Task;
  private readonly engine: ContainerEngine;
  readonly isolations: ReturnType<typeof makeIsolations>;
  readonly worktrees: WorktreeManager;
  private readonly preparation: Preparation;
  readonly workspaces: Workspaces;
  private generation = 0;
  private bareImage = '';

  constructor(context: BenchContext, name: string, template: Task, engine: ContainerEngine) {
    this.context = context;
    this.folder = join(context.scratch, name);
    this.template = template;
    this.engine = engine;
    const storage = join(this.folder, 'storage');
    this.isolations = makeIsolations({
      storage,
      distFolder: context.distFolder,
      containerFolder: join(context.root, 'media', 'container'),
      clock: systemClock,
      logger: silentLogger,
      onProgress: () => {},
    });
    this.worktrees = new WorktreeManager({
      repositoryPath: this.repository,
      worktreesDir: join(storage, 'worktrees'),
    });
    const paths = new RunPaths(storage);
    const { worktrees } = this;
    const workspaces = new Workspaces(this.isolations, paths);
    const clock = systemClock;
    const stageRunner = new StageRunner({
      worktrees,
      clock,
      cliEnvironment: () => ({}),
      onActivity: () => {},
    });
    this.workspaces = workspaces;
    this.preparation = new Preparation({ worktrees, workspaces, stageRunner, paths, clock });
  }

  get repository(): string {
    return join(this.folder, 'repository');
  }

  async open(megabytes: number): Promise<this> {
    await mkdir(this.repository, { recursive: true });
    await makeRepository(this.repository, megabytes);
    return this;
  }

  newTask(): Task {
    const settings = { ...this.template.settings, isolation: 'docker' as const, image: null };
    return { ...this.template, id: taskIdOf(randomUUID()), settings };
  }

  /** From admission to the end of a first command. */
  async lease(task: Task): Promise<{ readonly leaseId: LeaseId; readonly workspace: Workspace }> {
    this.generation += 1;
    const leaseId = leaseIdOf(port, this.generation);
    const { signal } = new AbortController();
    const { workspace } = await this.preparation.prepare(task, leaseId, signal);
    const runDir = join(this.folder, 'storage', 'runs', task.id, `first-${this.generation}`);
    await freshRunDirectory(runDir);
    await workspace.start({ runDir, argv: ['true'], stdin: '', env: {}, timeoutMs: 60_000 });
    await workspace.ended(runDir, signal);
    return { leaseId, workspace };
  }

  release(task: Task, leaseId: LeaseId): Promise<void> {
    return this.workspaces.release(task, leaseId);
  }

  async forget(task: Task): Promise<void> {
    const worktree = await this.worktrees.ensure({ taskId: task.id, title: task.title, baseBranch: null });
    await this.worktrees.remove(worktree, { force: true });
  }

  async bareWorktree(): Promise<string> {
    const path = join(this.folder, 'bare', randomUUID());
    await runGit(this.repository, 'worktree', 'add', '-q', '--detach', path);
    return path;
  }

  /** Create, start, one command: what nobody can do without. */
  async bareContainer(worktree: string): Promise<string> {
    if (this.bareImage === '') this.bareImage = await ownImage(this.engine, this.context);
    const id = await this.engine.create({
      name: `orchestrator-bench-${randomUUID()}`,
      image: this.bareImage,
      labels,
      user: '1000:1000',
      command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 60 & wait $!; done'],
      env: {},
      workingDir: '/workspace',
      mounts: [{ source: worktree, target: '/workspace', readOnly: false }],
      tmpfs: { '/tmp': 'exec,mode=1777', '/home/agent': 'exec,uid=1000,gid=1000,mode=700' },
      port: { host: port, container: 8080 },
      limits: { memoryBytes: 2 ** 31, cpus: 2, pids: 1024 },
      whenEnded: 'removed',
    });
    await this.engine.start(id);
    await this.engine.run(id, ['true']);
    return id;
  }

  removeContainer(id: string): Promise<void> {
    return this.engine.remove(id);
  }

  removeBareWorktree(path: string): Promise<string> {
    return runGit(this.repository, 'worktree', 'remove', '--force', path);
  }

  async close(): Promise<void> {
    for (const { id } of await this.engine.list(labels)) await this.engine.remove(id);
    await this.isolations.docker.reap(new Set());
    await this.isolations.docker.close();
  }
}

/** The image of our own Dockerfile, as leases use it. */
async function run(context: BenchContext): Promise<readonly Row[]> {
  await hostAddress('docker');
  const engine = await openDockerEngine();
  const transitions = await lifeTransitions(context, 1);
  const [template] = transitions.flatMap(({ tasks }) => tasks);
  if (template === undefined) throw new Error('The recorded life has no task');
  const rows: Row[] = [];
  for (const [name, megabytes, pairs] of [
    ['10 MB', 10, context.pairs ?? 10],
    ['300 MB', 300, Math.min(context.pairs ?? 5, 5)],
  ] as const) {
    context.say(`a repository of ${name}`);
    const room = await new LeaseRoom(context, name.replace(' ', '-'), template, engine).open(megabytes);
    try {
      rows.push(...(await leasing(room, name, pairs)));
      if (megabytes === 10) rows.push(await recycling(room, pairs));
    } finally {
      await room.close();
    }
  }
  return rows;
}

async function leasing(room: LeaseRoom, name: string, pairs: number): Promise<readonly Row[]> {
  const [ours, bare] = await inTurns(pairs, [
    async () => {
      const task = room.newTask();
      const startedAt = performance.now();
      const { leaseId } = await room.lease(task);
      const ms = performance.now() - startedAt;
      await room.release(task, leaseId);
      await room.forget(task);
      return ms;
    },
    async () => {
      const startedAt = performance.now();
      const path = await room.bareWorktree();
      const id = await room.bareContainer(path);
      const ms = performance.now() - startedAt;
      await room.removeContainer(id);
      await room.removeBareWorktree(path);
      return ms;
    },
  ]);
  return [
    comparison(
      `a lease with a worktree of ${name}: admitted to the end of a first command`,
      'ms',
      ours,
      { name: '`git worktree add`, create, start, exec', values: bare },
      { figure: ratioAtMost(0.8), ifMissed: beforeTheContainer },
    ),
  ];
}

/** The worktree of the task that comes next is there: what is measured is the slot. */
async function recycling(room: LeaseRoom, pairs: number): Promise<Row> {
  const task = room.newTask();
  const path = await room.bareWorktree();
  let { leaseId } = await room.lease(task);
  let isOurs = true;
  const [ours, bare] = await inTurns(pairs, [
    async () => {
      if (!isOurs) ({ leaseId } = await room.lease(task));
      const ms = await timed(async () => {
        await room.release(task, leaseId);
        ({ leaseId } = await room.lease(task));
      });
      await room.release(task, leaseId);
      isOurs = false;
      return ms;
    },
    async () => {
      let id = await room.bareContainer(path);
      const ms = await timed(async () => {
        await room.removeContainer(id);
        id = await room.bareContainer(path);
      });
      await room.removeContainer(id);
      return ms;
    },
  ]);
  await room.removeBareWorktree(path);
  return comparison(
    'a slot recycled: released, leased again, a first command',
    'ms',
    ours,
    { name: 'remove, create, start, exec', values: bare },
    { figure: ratioAtMost(1.1), ifMissed: aroundTheSlot },
  );
}

export const lease: Bench = { title: 'A lease of a container, against the bare steps', run };
