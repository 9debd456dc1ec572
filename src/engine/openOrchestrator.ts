import { join } from 'node:path';
import { DockerIsolation } from './allocation/dockerIsolation.ts';
import { ProcessIsolation } from './allocation/processIsolation.ts';
import { cliEnvironment } from './claude/environment.ts';
import { refusalOfCredentials } from './claude/credentialGuard.ts';
import type { TaskId } from './domain/ids.ts';
import type { IsolationKind } from './domain/task.ts';
import { EffectRunner } from './effects/effectRunner.ts';
import { Preparation } from './effects/preparation.ts';
import { RunPaths } from './effects/runPaths.ts';
import { TranscriptSweep } from './effects/transcriptSweep.ts';
import { Workspaces } from './effects/workspaces.ts';
import type { ImportingEngine } from './engine.ts';
import { type Drive, OrchestratorService } from './orchestratorService.ts';
import type { Clock } from './ports/clock.ts';
import type { Isolation } from './ports/isolation.ts';
import type { Logger } from './ports/logger.ts';
import type { Store } from './ports/store.ts';
import { executeThrough } from './process/exec.ts';
import { Launcher } from './process/launcher.ts';
import { secretValuesOf } from './process/redactor.ts';
import { EngineServer, type SharedEngine } from './sharing/engineServer.ts';
import { StageRunner } from './stages/stageRunner.ts';
import { SteadyClock } from './steadyClock.ts';
import { openStore } from './store/workerStore.ts';
import { storageId } from './storagePaths.ts';
import type { WorktreeManager } from './worktrees/worktreeManager.ts';

/** How long closing waits for idle containers to go; the rest is reaped at the next start. */
const closeGraceMs = 3_000;

/** How long closing waits for another process that reads through this one to finish reading. */
const drainGraceMs = 2_000;

export interface OrchestratorConfiguration {
  readonly worktrees: WorktreeManager;
  readonly repository: { readonly path: string; readonly name: string };
  readonly storage: string;
  /** Folder of the built program: worker, supervisor, launcher, wasm. */
  readonly distFolder: string;
  /** Folder of the Dockerfile that users get. */
  readonly containerFolder: string;
  /** Where credentials come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the agent's CLI gets on top; read at each run. */
  readonly agentEnvironment?: Readonly<Record<string, string>>;
  /** Address of the Docker engine; null = the one that the `docker` command uses. */
  readonly dockerHost?: string | null;
  /** How many tasks may execute at once, 1 or 2; 2 unless said otherwise. */
  readonly maxConcurrent?: number;
  /** So many days after the end of a task its transcripts go; null, as when left out, = never. */
  readonly keepTranscriptsDays?: number | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drive: Drive;
  /** Who holds the storage, in words for a person at a second window. */
  readonly holder: string;
  /** Progress of something slow that is not a stage. */
  readonly onProgress: (text: string) => void;
}

/** An engine of this process, with everything it is made of. */
export interface Orchestrator extends ImportingEngine {
  readonly service: OrchestratorService;
  readonly isolations: Readonly<Record<IsolationKind, Isolation>>;
  /** Issues what is open, and begins to admit. Until then nothing moves. */
  start(): Promise<void>;
  /** See `keepTranscriptsDays`: from now on. */
  keepTranscripts(days: number | null): void;
}

/** The composition root: opens the storage and puts the engine together. Throws `environment` when the storage is in use. */
export async function openOrchestrator(configuration: OrchestratorConfiguration): Promise<Orchestrator> {
  const { storage, distFolder, repository, clock, logger } = configuration;
  let opened: (engine: SharedEngine) => void = () => {};
  const server = new EngineServer(
    new Promise((resolve) => {
      opened = resolve;
    }),
  );
  const store = await openStore({
    directory: storage,
    repositoryPath: repository.path,
    projectName: repository.name,
    workerPath: join(distFolder, 'storeWorker.js'),
    wasmPath: join(distFolder, 'sql-wasm.wasm'),
    holder: configuration.holder,
    onConnection: (socket) => server.accept(socket),
  });
  try {
    const { drive, maxConcurrent } = configuration;
    const steady = new SteadyClock(clock);
    const service = await OrchestratorService.open({
      store,
      clock: steady,
      logger,
      drive,
      ...(maxConcurrent === undefined ? {} : { atMost: maxConcurrent }),
    });
    steady.goOnFrom(service.recordedUntil());
    const orchestrator = assemble(configuration, steady, store, service, server);
    opened(orchestrator);
    return orchestrator;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function assemble(
  configuration: OrchestratorConfiguration,
  steady: Clock,
  store: Store,
  service: OrchestratorService,
  server: EngineServer,
): Orchestrator {
  const { storage, clock, logger, worktrees, environment } = configuration;
  const environmentOfCli = () => cliEnvironment(environment, configuration.agentEnvironment);
  const isolations = makeIsolations(configuration);
  const launcher = new Launcher({
    nodePath: process.execPath,
    launcherPath: join(configuration.distFolder, 'launcher.js'),
  });
  const executeHereAgain = executeThrough((...program) => launcher.execute(...program));
  const paths = new RunPaths(storage);
  const workspaces = new Workspaces(isolations, paths);
  const stageRunner = new StageRunner({
    worktrees,
    clock,
    cliEnvironment: environmentOfCli,
    onActivity: (task, run, activity) => service.onActivity(task, run, activity),
  });
  const effects = new EffectRunner({
    store,
    worktrees,
    workspaces,
    preparation: new Preparation({ worktrees, workspaces, stageRunner, paths, clock }),
    stageRunner,
    paths,
    clock: steady,
    logger,
    random: Math.random,
    task: (id) => service.task(id),
    report: (command, bundles) => service.report(command, bundles),
  });
  const sweep = new TranscriptSweep(
    { paths, store, clock, logger, isHeld: (id) => service.task(id) !== null },
    configuration.keepTranscriptsDays ?? null,
  );
  return {
    service,
    isolations,
    records: store,
    dispatch: async (command, bundles) =>
      refusalOfCredentials(command, bundles, secretValuesOf(environmentOfCli())) ??
      service.dispatch(command, bundles),
    importTasks: (command, bundles) => service.importTasks(command, bundles),
    importArchive: (path) => service.importArchive(path),
    settled: (taskId: TaskId) => service.settled(taskId),
    start: async () => {
      if (configuration.drive !== 'none') await reap(Object.values(isolations), service, logger);
      await service.start(effects);
      if (configuration.drive !== 'none') void sweep.start();
    },
    keepTranscripts: (days) => sweep.keep(days),
    async close() {
      const swept = sweep.close();
      await service.close(closeGraceMs);
      await server.drain(AbortSignal.timeout(drainGraceMs));
      await Promise.all(Object.values(isolations).map((isolation) => isolation.close()));
      await swept;
      executeHereAgain();
      launcher.close();
      await store.close();
    },
  };
}

/** What earlier engines of this storage left over goes. One isolation that is away must not stop the other. */
async function reap(
  isolations: readonly Isolation[],
  service: OrchestratorService,
  logger: Logger,
): Promise<void> {
  const results = await Promise.allSettled(isolations.map((isolation) => isolation.reap(service.leases())));
  for (const result of results) {
    if (result.status === 'rejected') logger.debug('reap.skipped', { reason: String(result.reason) });
  }
}

/** Both ways to isolate a task, of this storage. Nothing is connected or made yet. */
export function makeIsolations({
  storage,
  distFolder,
  containerFolder,
  clock,
  logger,
  onProgress,
  dockerHost = null,
}: Pick<
  OrchestratorConfiguration,
  'storage' | 'distFolder' | 'containerFolder' | 'clock' | 'logger' | 'onProgress' | 'dockerHost'
>): Readonly<Record<IsolationKind, Isolation>> {
  return {
    docker: new DockerIsolation({
      storageId: storageId(storage),
      buildContext: containerFolder,
      address: dockerHost,
      logger,
      clock,
      onProgress,
    }),
    process: new ProcessIsolation({
      supervisorPath: join(distFolder, 'supervisor.js'),
      nodePath: process.execPath,
      leasesDir: join(storage, 'leases'),
      clock,
      logger,
    }),
  };
}
