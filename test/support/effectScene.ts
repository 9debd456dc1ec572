import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sealBundle } from '../../src/engine/context/digest.ts';
import { type TaskId, taskIdOf } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { EffectRunner } from '../../src/engine/effects/effectRunner.ts';
import { RunPaths } from '../../src/engine/effects/runPaths.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import type { Workspace } from '../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import type { RunSignals, StageReport } from '../../src/engine/stages/stageRunner.ts';
import type { StageRunRequest } from '../../src/engine/stages/stageRunRequest.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import type { Worktree } from '../../src/engine/worktrees/worktreeManager.ts';
import { FakeWorkspace } from './fakeWorkspace.ts';
import { inProcessStore } from './inProcessStore.ts';
import { SteppedClock } from './steppedClock.ts';
import { temporaryDirectory, wasmPath } from './storeFixtures.ts';

const worktree: Worktree = {
  taskId: '',
  path: '/worktrees/x',
  branch: 'orchestrator/x',
  baseBranch: 'main',
  baseCommit: 'b'.repeat(40),
  adminDir: '/r/.git/worktrees/x',
  commonGitDir: '/r/.git',
};

/** What the scene's world does, each as the test says. */
export interface SceneWorld {
  readonly acquire?: () => Promise<Workspace>;
  readonly stage?: (request: StageRunRequest, signals: RunSignals) => Promise<StageReport>;
  readonly remove?: () => Promise<void>;
}

/** The service with the real effects and a real database, and nothing behind them: no git, no programs. */
export class EffectScene {
  readonly directory: string;
  readonly service: OrchestratorService;
  readonly clock: SteppedClock;
  private readonly paths: RunPaths;
  private readonly store: SqlStore;

  private constructor(
    directory: string,
    store: SqlStore,
    service: OrchestratorService,
    clock: SteppedClock,
    paths: RunPaths,
  ) {
    this.directory = directory;
    this.store = store;
    this.service = service;
    this.clock = clock;
    this.paths = paths;
  }

  /** `directory`: the storage of an earlier scene, which the new one takes up. */
  static async open(world: SceneWorld, directory?: string): Promise<EffectScene> {
    const folder = directory ?? (await temporaryDirectory());
    const sqlStore = await SqlStore.open({
      directory: folder,
      repositoryPath: '/r',
      projectName: 'r',
      wasmPath,
    });
    const store = inProcessStore(sqlStore);
    const clock = new SteppedClock(1_800_000_000_000);
    const service = await OrchestratorService.open({ store, clock, logger: silentLogger, drive: 'all' });
    const paths = new RunPaths(folder);
    const workspace = new FakeWorkspace(folder);
    const forever = new Promise<never>(() => {});
    const effects = new EffectRunner({
      store,
      clock,
      paths,
      logger: silentLogger,
      random: () => 0,
      worktrees: {
        uncommitted: async () => ({ changes: [], isCheckedOut: true }),
        accept: async () => null,
        populate: async () => null,
        remove: world.remove ?? (async () => {}),
      },
      workspaces: { acquire: world.acquire ?? (async () => workspace), release: async () => {} },
      preparation: {
        prepare: async () => ({ worktree, workspace }),
        worktree: async () => worktree,
        worktreeWithWork: async () => worktree,
      },
      stageRunner: { run: world.stage ?? (() => forever) },
      task: (id) => service.task(id),
      report: (command, bundles) => service.report(command, bundles),
    });
    await service.start(effects);
    return new EffectScene(folder, sqlStore, service, clock, paths);
  }

  async create(): Promise<TaskId> {
    const taskId = taskIdOf(randomUUID());
    const { body, digest } = sealBundle({ type: 'request', format: 1, title: 'T', description: '' });
    const create = { type: 'create', taskId, title: 'T', description: '', priority: 0 } as const;
    const settings = { ...defaultSettings, isolation: 'process' } as const;
    const refused = await this.service.dispatch({ ...create, settings, requestDigest: digest }, [
      { digest, taskId, runId: null, stage: 'request', body },
    ]);
    if (refused !== null) throw new Error(refused.message);
    return taskId;
  }

  /** Its newest run is under way, as far as the files tell. Returns the run's directory. */
  async launched(id: TaskId): Promise<string> {
    const { runs } = await this.when(id, ({ phase }) => phase.type === 'running');
    const run = runs.at(-1);
    if (run === undefined) throw new Error('It has no run');
    const runDir = this.paths.ofRun(run.id);
    for (const file of [this.paths.startOf(run.id), join(runDir, runFiles.launch)]) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, '{}');
    }
    return runDir;
  }

  /** Resolves when the task as it is now fits. */
  async when(id: TaskId, fits: (task: Task) => boolean): Promise<Task> {
    const found = (): Task | null => {
      const task = this.service.task(id);
      return task !== null && fits(task) ? task : null;
    };
    await this.service.until(() => found() !== null);
    const task = found();
    if (task === null) throw new Error('It changed meanwhile');
    return task;
  }

  /** As an engine is gone that was killed. */
  close(): void {
    this.store.close();
  }
}
