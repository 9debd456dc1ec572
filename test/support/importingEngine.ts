import { onTestFinished } from 'vitest';
import type { ImportingEngine } from '../../src/engine/engine.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { inProcessStore } from './inProcessStore.ts';
import { RecordingEffects } from './recordingEffects.ts';
import { SteppedClock } from './steppedClock.ts';
import { wasmPath } from './storeFixtures.ts';

/** A real service on a real database, in this thread, that admits everything it may and carries nothing out. */
export class EngineOnStorage {
  readonly store: SqlStore;
  readonly service: OrchestratorService;
  readonly effects: RecordingEffects;
  readonly clock: SteppedClock;
  readonly engine: Pick<ImportingEngine, 'records' | 'importTasks' | 'importArchive' | 'dispatch'>;
  private isClosed = false;

  private constructor(
    store: SqlStore,
    service: OrchestratorService,
    effects: RecordingEffects,
    clock: SteppedClock,
  ) {
    this.store = store;
    this.service = service;
    this.effects = effects;
    this.clock = clock;
    const records = { ...inProcessStore(store), verifyAudit: () => Promise.resolve(store.verifyAudit()) };
    this.engine = {
      records,
      importTasks: (command, bundles) => service.importTasks(command, bundles),
      importArchive: (path) => service.importArchive(path),
      dispatch: (command, bundles) => service.dispatch(command, bundles),
    };
  }

  static async open(directory: string, repositoryPath = '/repository'): Promise<EngineOnStorage> {
    const store = await SqlStore.open({ directory, repositoryPath, projectName: 'Repository', wasmPath });
    const clock = new SteppedClock(Date.UTC(2026, 10, 1));
    const service = await OrchestratorService.open({
      store: inProcessStore(store),
      clock,
      logger: silentLogger,
      drive: 'all',
    });
    const effects = new RecordingEffects();
    await service.start(effects);
    const made = new EngineOnStorage(store, service, effects, clock);
    onTestFinished(() => made.close());
    return made;
  }

  close(): void {
    if (!this.isClosed) this.store.close();
    this.isClosed = true;
  }
}
