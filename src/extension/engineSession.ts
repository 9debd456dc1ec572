import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { Task } from '../engine/domain/task.ts';
import type { ImportingEngine } from '../engine/engine.ts';
import type { Orchestrator } from '../engine/openOrchestrator.ts';
import type { Notice } from '../engine/notice.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import { defaultWorktrees } from '../engine/storagePaths.ts';
import { engineSettings, worktreeFolder } from './config.ts';
import { type Connected, EngineConnection } from './engineConnection.ts';
import type { EngineBundle } from './engineBundle.ts';
import type { Log } from './log.ts';
import type { TaskModel } from '../engine/inspection/taskFeed.ts';
import type { Session, SessionState } from './session.ts';
import { TaskList } from '../engine/inspection/taskList.ts';
import { storageFolder } from './storageFolder.ts';
import { isTrusted, readOnly, untrustedError } from './trust.ts';
import { chooseFolder } from './workspaceFolder.ts';

/** VS Code gives a window's extensions 5 s to end; what does not fit is mended at the next start. */
const closeBudgetMs = 4_000;

const repositoryKey = 'orchestrator.repository';

/** Whether something moves or waits to move by itself: the one thing read when VS Code starts. */
export const unfinishedKey = 'orchestrator.unfinished';

const movingPhases: readonly Task['phase']['type'][] = [
  'queued',
  'preparing',
  'running',
  'stopping',
  'backoff',
  'parked',
  'merging',
];

export interface EngineSessionOptions {
  readonly context: Pick<vscode.ExtensionContext, 'storageUri' | 'workspaceState' | 'extensionUri'>;
  readonly loadEngine: () => EngineBundle;
  /** Where credentials come from; read at each run. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What Claude Code gets besides; read at each run. */
  readonly agentEnvironment: Readonly<Record<string, string>>;
  /** Before the first opening: fills the environment. */
  readonly prepare: () => Promise<void>;
  readonly log: Log;
  readonly onProgress: (text: string) => void;
}

/** The session of this window, over an engine of its own or the one of whoever holds the storage. */
export class EngineSession implements Session {
  readonly onDidChangeState: vscode.Event<SessionState>;
  readonly onNotice: vscode.Event<Notice>;
  readonly tasks: TaskModel;
  private readonly options: EngineSessionOptions;
  private readonly stateChanges = new vscode.EventEmitter<SessionState>();
  private readonly notices = new vscode.EventEmitter<Notice>();
  private readonly taskChanges = new vscode.EventEmitter<readonly Task[]>();
  private readonly list = new TaskList();
  private current: SessionState = initialState();
  private opening: Promise<ImportingEngine> | null = null;
  private connection: EngineConnection | null = null;
  private repository: string | null = null;
  private storage: string | null = null;
  private closed: Promise<void> | null = null;
  private unfinished: boolean | null = null;
  private asked = false;
  private driven: Orchestrator | null = null;

  constructor(options: EngineSessionOptions) {
    this.options = options;
    this.onDidChangeState = this.stateChanges.event;
    this.onNotice = this.notices.event;
    this.tasks = {
      all: () => this.list.all(),
      get: (id) => this.list.get(id),
      slots: () => this.list.slots(),
      onDidChange: this.taskChanges.event,
    };
  }

  get state(): SessionState {
    return this.current;
  }

  get repositoryPath(): string | null {
    return this.repository;
  }

  get storagePath(): string | null {
    return this.storage;
  }

  /** True once anyone asked for the engine: until then there is nothing to open again. */
  get wasAsked(): boolean {
    return this.asked;
  }

  engine(): Promise<ImportingEngine> {
    this.asked = true;
    if (this.closed !== null) return Promise.reject(closing());
    this.opening ??= this.open().catch((error: unknown) => {
      // Asked again, it tries again: the person may have mended it.
      this.opening = null;
      // A setting that is not right, say: nobody else told why nothing opens.
      if (this.current.type === 'opening') this.fail(error);
      throw error;
    });
    return this.opening;
  }

  /** Closes and opens again: for a folder that was trusted, or a setting of the engine that changed. */
  async reopen(): Promise<void> {
    const earlier = this.opening;
    await earlier?.catch(() => null);
    if (this.opening !== earlier) {
      // Someone else did it meanwhile.
      await this.engine();
      return;
    }
    const connection = this.connection;
    this.connection = null;
    this.driven = null;
    this.opening = null;
    await connection?.close();
    await this.engine();
  }

  /** Takes over what can change while the engine runs. A follower has nothing to change: the settings count where it runs. */
  async applySettings(): Promise<void> {
    if (this.driven === null || this.repository === null) return;
    const { maxConcurrent, keepTranscriptsDays } = engineSettings(vscode.Uri.file(this.repository));
    this.driven.keepTranscripts(keepTranscriptsDays);
    await this.driven.service.limit(maxConcurrent);
  }

  /** Within 4 s; runs go on by themselves. */
  close(): Promise<void> {
    this.closed ??= Promise.race([
      this.connection?.close() ?? Promise.resolve(),
      new Promise<void>((resolve) => {
        setTimeout(resolve, closeBudgetMs).unref();
      }),
    ]);
    return this.closed;
  }

  dispose(): void {
    void this.close().catch((error: unknown) =>
      this.options.log.error('session.close', { error: String(error) }),
    );
    this.stateChanges.dispose();
    this.notices.dispose();
    this.taskChanges.dispose();
  }

  private async open(): Promise<ImportingEngine> {
    const { context, log } = this.options;
    const folder = await chooseFolder(context.workspaceState);
    if (folder === null || context.storageUri === undefined) {
      this.become({ type: 'unavailable', reason: 'no-folder' });
      throw new OrchestratorError('bad-input', vscode.l10n.t('No folder is open.'), {
        remedy: vscode.l10n.t('Open a folder of a git repository.'),
      });
    }
    if (isTrusted()) this.become({ type: 'opening' });
    const bundle = this.options.loadEngine();
    const repository = await this.locate(bundle, folder);
    this.repository = repository;
    this.storage = storageFolder(
      context.storageUri.fsPath,
      repository,
      vscode.workspace.workspaceFile !== undefined,
    );
    await this.options.prepare();
    const connection = new EngineConnection({
      bundle,
      configuration: {
        worktrees: new bundle.WorktreeManager({
          repositoryPath: repository,
          worktreesDir: worktreeFolder(folder.uri) ?? defaultWorktrees(this.storage),
        }),
        repository: { path: repository, name: basename(repository) },
        storage: this.storage,
        distFolder: join(context.extensionUri.fsPath, 'dist'),
        containerFolder: join(context.extensionUri.fsPath, 'media', 'container'),
        environment: this.options.environment,
        agentEnvironment: this.options.agentEnvironment,
        ...engineSettings(folder.uri),
        clock: bundle.systemClock,
        logger: log,
        drive: isTrusted() ? 'all' : 'none',
        holder: vscode.l10n.t('a window of {0}', vscode.env.appName),
        onProgress: this.options.onProgress,
      },
      load: ({ records }, slots) => this.list.load(records, slots),
      onNotice: (notice) => this.hear(connection, notice),
      onLost: () => void this.takeOver(connection),
    });
    this.connection = connection;
    return this.connect(connection);
  }

  private async connect(connection: EngineConnection): Promise<ImportingEngine> {
    try {
      const connected = await connection.open();
      if (this.connection !== connection) throw closing();
      // What nobody told of while nothing was followed, before the state: whoever looks at the whole list at the new state
      // would else be given it twice.
      this.taskChanges.fire(this.list.all());
      this.announce(connected);
      this.noteUnfinished();
      if (!isTrusted()) return readOnly(connected.engine);
      if (connected.type === 'driving') {
        this.driven = connected.engine;
        await connected.engine.start();
      }
      return connected.engine;
    } catch (error) {
      if (this.connection === connection) {
        this.connection = null;
        this.fail(error);
        await connection.close();
      }
      throw error;
    }
  }

  private announce(connected: Connected): void {
    this.options.log.info(`session.${connected.type}`, { tasks: this.list.all().length });
    if (!isTrusted()) this.become({ type: 'unavailable', reason: 'untrusted' });
    else if (connected.type === 'driving') this.become({ type: 'driving' });
    else this.become({ type: 'following', holder: connected.holder });
  }

  private hear(connection: EngineConnection, notice: Notice): void {
    // What a connection says before it is announced is in the list by then; what an old one says is over.
    if (this.connection !== connection) return;
    if (notice.type === 'committed') {
      const changed = this.list.apply(notice);
      this.noteUnfinished();
      this.notices.fire(notice);
      this.taskChanges.fire(changed);
      return;
    }
    this.notices.fire(notice);
    if (notice.type !== 'failed') return;
    this.connection = null;
    this.driven = null;
    this.opening = null;
    this.fail(notice.error);
    void connection
      .close()
      .catch((error: unknown) => this.options.log.warn('session.close', { error: String(error) }));
  }

  /** The holder went away: this window takes the storage, or follows whoever was faster. */
  private async takeOver(connection: EngineConnection): Promise<void> {
    if (this.connection !== connection || this.closed !== null) return;
    this.options.log.info('session.holder-gone');
    try {
      await this.reopen();
    } catch (error) {
      this.options.log.error('session.take-over', { error: String(error) });
    }
  }

  /** The folder's repository. In a folder that is not trusted no git runs: it is the one known from before. */
  private async locate(bundle: EngineBundle, folder: vscode.WorkspaceFolder): Promise<string> {
    const { workspaceState } = this.options.context;
    if (!isTrusted()) {
      const known = workspaceState.get<unknown>(repositoryKey);
      if (typeof known === 'string') return known;
      this.become({ type: 'unavailable', reason: 'untrusted' });
      throw untrustedError();
    }
    try {
      const { topLevel } = await bundle.WorktreeManager.locate(folder.uri.fsPath);
      await new bundle.WorktreeManager({ repositoryPath: topLevel, worktreesDir: topLevel }).repository();
      await workspaceState.update(repositoryKey, topLevel);
      return topLevel;
    } catch (error) {
      if (OrchestratorError.is(error, 'bad-input'))
        this.become({ type: 'unavailable', reason: 'no-repository' });
      else this.fail(error);
      throw error;
    }
  }

  private fail(error: unknown): void {
    if (this.closed !== null) return;
    const message = error instanceof Error ? error.message : String(error);
    const remedy = OrchestratorError.is(error) ? (error.remedy ?? null) : null;
    this.options.log.error('session.failed', { message, remedy });
    this.become({ type: 'failed', message, remedy });
  }

  private become(state: SessionState): void {
    this.current = state;
    this.stateChanges.fire(state);
  }

  private noteUnfinished(): void {
    const unfinished = this.list.all().some(({ phase }) => movingPhases.includes(phase.type));
    if (unfinished === this.unfinished) return;
    this.unfinished = unfinished;
    void this.options.context.workspaceState.update(unfinishedKey, unfinished);
  }
}

function initialState(): SessionState {
  if (vscode.workspace.workspaceFolders === undefined) return { type: 'unavailable', reason: 'no-folder' };
  return isTrusted() ? { type: 'opening' } : { type: 'unavailable', reason: 'untrusted' };
}

function closing(): OrchestratorError {
  return new OrchestratorError('environment', vscode.l10n.t('The window is closing.'));
}
