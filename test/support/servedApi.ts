import { onTestFinished } from 'vitest';
import type { Bundle } from '../../src/engine/context/bundle.ts';
import { sealBundle } from '../../src/engine/context/digest.ts';
import { createTask } from '../../src/engine/createTask.ts';
import { runIdOf, taskIdOf, type RunId, type TaskId } from '../../src/engine/domain/ids.ts';
import type { Failure } from '../../src/engine/domain/outcome.ts';
import type { Stage } from '../../src/engine/domain/stage.ts';
import type { IsolationKind, Task, TaskSettings } from '../../src/engine/domain/task.ts';
import type { Notice } from '../../src/engine/notice.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import { silentLogger, type Logger } from '../../src/engine/ports/logger.ts';
import type { AuditRow, Store } from '../../src/engine/ports/store.ts';
import { OrchestratorFeed } from '../../src/engine/server/orchestratorFeed.ts';
import {
  startServer,
  type RunningServer,
  type ServerLimits,
  type ServerOptions,
} from '../../src/engine/server/startServer.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { inProcessStore } from './inProcessStore.ts';
import { RecordingEffects } from './recordingEffects.ts';
import { openTestStore, temporaryDirectory } from './storeFixtures.ts';

export const testToken = 'a-token-for-tests-only';

export interface ServedApiOptions {
  readonly directory?: string;
  readonly port?: number;
  readonly access?: ServerOptions['access'];
  /** Of new tasks; `process` where nothing is said. */
  readonly isolation?: IsolationKind;
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly secrets?: readonly string[];
  readonly pages?: string | null;
  readonly logger?: Logger;
  /** What a new task is checked with. */
  readonly check?: (settings: TaskSettings) => Promise<void>;
  /** Over the store: to count or to hold up what is read. */
  readonly wrap?: (store: Store) => Store;
}

/** The real service on a real database and the real server over it; what effects would do is said by the test. */
export class ServedApi {
  readonly server: RunningServer;
  readonly service: OrchestratorService;
  readonly store: Store;
  readonly feed: OrchestratorFeed;
  readonly directory: string;
  private readonly listeners: ReadonlySet<(notice: Notice) => void>;
  private readonly effects: RecordingEffects;
  private isClosed = false;

  private readonly options: ServedApiOptions;

  private constructor(
    server: RunningServer,
    service: OrchestratorService,
    store: Store,
    feed: OrchestratorFeed,
    directory: string,
    effects: RecordingEffects,
    listeners: ReadonlySet<(notice: Notice) => void>,
    options: ServedApiOptions,
  ) {
    this.server = server;
    this.service = service;
    this.store = store;
    this.feed = feed;
    this.directory = directory;
    this.effects = effects;
    this.listeners = listeners;
    this.options = options;
  }

  static async open(options: ServedApiOptions = {}): Promise<ServedApi> {
    const directory = options.directory ?? (await temporaryDirectory());
    const store = (options.wrap ?? ((each) => each))(inProcessStore(await openTestStore(directory)));
    const service = await OrchestratorService.open({
      store,
      clock: systemClock,
      logger: silentLogger,
      drive: 'all',
    });
    const effects = new RecordingEffects();
    const listeners = new Set<(notice: Notice) => void>();
    const feed = await OrchestratorFeed.open(
      {
        service: {
          slots: () => service.slots(),
          subscribe: (listener) => {
            listeners.add(listener);
            return service.subscribe(listener);
          },
        },
        records: store,
        dispatch: (command, bundles) => service.dispatch(command, bundles),
        settled: (id) => service.settled(id),
        close: () => store.close(),
      },
      directory,
    );
    const server = await serve(feed, options);
    await service.start(effects);
    const api = new ServedApi(server, service, store, feed, directory, effects, listeners, options);
    onTestFinished(() => api.close());
    return api;
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return Number(new URL(this.server.url).port);
  }

  /** With the token, and a JSON body where one is given. */
  fetch(path: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<Response> {
    const { json, ...rest } = init;
    const headers = new Headers(rest.headers);
    headers.set('authorization', `Bearer ${testToken}`);
    if (json === undefined) return fetch(`${this.url}${path}`, { ...rest, headers });
    headers.set('content-type', 'application/json');
    return fetch(`${this.url}${path}`, { method: 'POST', ...rest, headers, body: JSON.stringify(json) });
  }

  async json(path: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<unknown> {
    return (await this.fetch(path, init)).json();
  }

  async ticket(): Promise<string> {
    const { ticket } = (await this.json('/api/tickets', { method: 'POST' })) as { readonly ticket: string };
    return ticket;
  }

  /** A task in the queue, or in preparation when there is room. */
  async create(title: string, changes: Partial<TaskSettings> = {}): Promise<TaskId> {
    const id = taskIdOf(crypto.randomUUID());
    const rejection = await createTask(this.service, {
      id,
      title,
      description: '',
      priority: 0,
      settings: { ...defaultSettings, isolation: 'process', ...changes },
    });
    if (rejection !== null) throw new Error(rejection.message);
    return id;
  }

  /** One more row in the trail. */
  async prioritize(taskId: TaskId, priority: number): Promise<void> {
    const rejection = await this.service.dispatch({ type: 'set-priority', taskId, priority });
    if (rejection !== null) throw new Error(rejection.message);
  }

  /** As if this row had been committed: for measuring what follows without what comes before. */
  announce(row: AuditRow): void {
    for (const listener of this.listeners)
      listener({ type: 'committed', rows: [row], tasks: [], slots: this.service.slots() });
  }

  /** The worktree of an admitted task is there: its first stage runs. */
  async ready(taskId: TaskId): Promise<RunId> {
    const { phase } = this.task(taskId);
    if (phase.type !== 'preparing') throw new Error(`it is ${phase.type}`);
    await this.service.report({
      type: 'workspace-ready',
      taskId,
      leaseId: phase.leaseId,
      worktree: {
        path: '/worktrees/one',
        branch: 'orchestrator/one',
        baseBranch: 'main',
        baseCommit: 'a'.repeat(40),
      },
      containerPort: 8081,
    });
    return this.running(taskId);
  }

  /** The running stage yields what such a stage yields. */
  async succeed(taskId: TaskId): Promise<void> {
    const runId = this.running(taskId);
    const run = this.task(taskId).runs.find(({ id }) => id === runId);
    if (run === undefined) throw new Error('no run');
    const { body, digest } = sealBundle(bundleOf(run.stage));
    await this.service.report(
      {
        type: 'run-succeeded',
        taskId,
        runId,
        outputDigest: digest,
        sessionId: 'session',
        costUsd: 0.25,
        cliVersion: '1.0.0',
        commit: 'b'.repeat(40),
        ...(run.stage === 'qa' ? { verdict: { type: 'pass' as const } } : {}),
      },
      [{ digest, taskId, runId, stage: run.stage, body }],
    );
  }

  async fail(taskId: TaskId, failure: Failure): Promise<void> {
    await this.service.report({
      type: 'run-failed',
      taskId,
      runId: this.running(taskId),
      failure,
      sessionId: null,
      costUsd: 0.5,
      cliVersion: null,
      random: 0.5,
    });
  }

  /** Through all stages. */
  async complete(taskId: TaskId): Promise<void> {
    await this.ready(taskId);
    for (let stage = 0; stage < 3; stage += 1) await this.succeed(taskId);
  }

  async merged(taskId: TaskId): Promise<void> {
    await this.service.report({ type: 'merged', taskId, commit: 'c'.repeat(40) });
  }

  task(id: TaskId): Task {
    const task = this.feed.tasks.get(id);
    if (task === undefined) throw new Error('no such task');
    return task;
  }

  async audit(taskId?: TaskId): Promise<readonly { readonly seq: number; readonly type: string }[]> {
    return this.store.audit({ ...(taskId === undefined ? {} : { taskId }), after: 0, limit: 1_000_000 });
  }

  /** Effects that are under way, by type. */
  get underWay(): readonly string[] {
    return [...this.effects.open.values()].map(({ type }) => type);
  }

  /** Another server of the same engine in the place of this one. */
  async serveAgain(): Promise<ServedApi> {
    await this.server.close();
    const { service, store, feed, directory, effects, listeners, options } = this;
    const server = await serve(feed, { ...options, port: this.port });
    const again = new ServedApi(server, service, store, feed, directory, effects, listeners, options);
    onTestFinished(() => again.close());
    return again;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.server.close();
    this.feed.dispose();
  }

  private running(taskId: TaskId): RunId {
    const { phase, id, stage } = this.task(taskId);
    return phase.type === 'running' ? phase.runId : runIdOf(id, stage, 1);
  }
}

function serve(feed: OrchestratorFeed, options: ServedApiOptions): Promise<RunningServer> {
  return startServer({
    feed,
    project: { name: 'Repository', path: '/repository' },
    newTask: {
      defaults: () => ({ ...defaultSettings, isolation: options.isolation ?? 'process' }),
      check: options.check ?? (() => Promise.resolve()),
    },
    access: options.access ?? 'move',
    ...(options.port === undefined ? {} : { port: options.port }),
    token: testToken,
    allowedOrigins: options.allowedOrigins ?? [],
    pages: options.pages ?? null,
    secrets: () => options.secrets ?? [],
    logger: options.logger ?? silentLogger,
    limits: options.limits ?? {},
  });
}

function bundleOf(stage: Stage): Bundle {
  switch (stage) {
    case 'specification':
      return {
        type: 'specification',
        format: 1,
        markdown: '# What is to be built',
        criteria: [{ id: 'AC-1', text: 'It works.' }],
        openQuestions: [],
        files: [],
        risks: [],
      };
    case 'implementation':
      return {
        type: 'implementation',
        format: 1,
        summary: 'Built.',
        criteria: [{ id: 'AC-1', how: 'By work.' }],
        baseCommit: 'a'.repeat(40),
        commit: 'b'.repeat(40),
        changedFiles: ['a'],
        diffStat: ' a | 1 +',
      };
    case 'qa':
      return {
        type: 'qa',
        format: 1,
        verdict: 'pass',
        summary: 'Good.',
        criteria: [{ id: 'AC-1', verdict: 'pass', evidence: 'Seen.' }],
        findings: [],
        tests: null,
      };
  }
}
