import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TaskId } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Occurrence, TaskFeed } from '../../src/engine/inspection/taskFeed.ts';
import { TaskList } from '../../src/engine/inspection/taskList.ts';
import type { Notice } from '../../src/engine/notice.ts';
import { openOrchestrator, type OrchestratorConfiguration } from '../../src/engine/openOrchestrator.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { EngineClient } from '../../src/engine/sharing/engineClient.ts';
import { readOwnerRecord } from '../../src/engine/store/ownerRecord.ts';
import { connectToHolder } from '../../src/engine/store/writerLock.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { type Connected, EngineConnection } from '../../src/extension/engineConnection.ts';

const root = resolve(import.meta.dirname, '../..');

export interface EngineWindowOptions {
  readonly repository?: string;
  /** Without it nothing runs by itself: moves are recorded, and no more. */
  readonly environment?: OrchestratorConfiguration['environment'];
}

/** A window without VS Code: it connects, keeps the list of tasks, and connects again when the holder goes. */
export class EngineWindow implements TaskFeed {
  readonly list = new TaskList();
  readonly notices: Notice[] = [];
  readonly storagePath: string;
  connected: Connected | null = null;
  readonly tasks = {
    all: () => this.list.all(),
    get: (id: TaskId) => this.list.get(id),
    slots: () => this.list.slots(),
    onDidChange: occurrenceOf<readonly Task[]>(() => this.taskListeners),
  };
  readonly onNotice = occurrenceOf<Notice>(() => this.noticeListeners);
  readonly onDidChangeState = occurrenceOf<Connected>(() => this.stateListeners);
  private readonly noticeListeners = new Set<(notice: Notice) => unknown>();
  private readonly taskListeners = new Set<(tasks: readonly Task[]) => unknown>();
  private readonly stateListeners = new Set<(state: Connected) => unknown>();
  private readonly name: string;
  private readonly options: EngineWindowOptions;
  private connection: EngineConnection;
  private opening: Promise<Connected> | null = null;
  private closed = false;

  constructor(storage: string, name: string, options: EngineWindowOptions = {}) {
    this.storagePath = storage;
    this.name = name;
    this.options = options;
    this.connection = this.make();
    onTestFinished(() => this.close());
  }

  open(): Promise<Connected> {
    this.opening ??= this.connect();
    return this.opening;
  }

  engine = async (): Promise<Engine> => (await this.open()).engine;

  async close(): Promise<void> {
    this.closed = true;
    await this.connection.close();
    // As the session does: an opening that the window's end interrupts is no failure of anything.
    await this.opening?.catch(() => null);
  }

  private async connect(): Promise<Connected> {
    const connected = await this.connection.open();
    if (connected.type === 'driving') await connected.engine.start();
    this.connected = connected;
    for (const listener of this.stateListeners) listener(connected);
    return connected;
  }

  private make(): EngineConnection {
    const { repository = root, environment } = this.options;
    return new EngineConnection({
      bundle: { openOrchestrator, connectToHolder, readOwnerRecord, EngineClient },
      configuration: {
        worktrees: new WorktreeManager({
          repositoryPath: repository,
          worktreesDir: join(this.storagePath, 'worktrees'),
        }),
        repository: { path: repository, name: 'repository' },
        storage: this.storagePath,
        distFolder: join(root, 'dist'),
        containerFolder: join(root, 'media', 'container'),
        environment: environment ?? {},
        clock: systemClock,
        logger: silentLogger,
        drive: environment === undefined ? 'none' : 'all',
        holder: this.name,
        onProgress: () => {},
      },
      load: ({ records }, slots) => this.list.load(records, slots),
      onNotice: (notice) => {
        this.notices.push(notice);
        const changed = notice.type === 'committed' ? this.list.apply(notice) : null;
        for (const listener of this.noticeListeners) listener(notice);
        if (changed !== null) for (const listener of this.taskListeners) listener(changed);
      },
      onLost: () => {
        this.connected = null;
        this.opening = null;
        if (this.closed) return;
        this.connection = this.make();
        void this.open().catch((error: unknown) => {
          if (!this.closed) throw error;
        });
      },
    });
  }
}

function occurrenceOf<T>(listeners: () => Set<(value: T) => unknown>): Occurrence<T> {
  return (listener) => {
    listeners().add(listener);
    return { dispose: () => void listeners().delete(listener) };
  };
}
