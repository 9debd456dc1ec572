import { createRequire } from 'node:module';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { type RunningServer, startServer } from '../../src/engine/server/startServer.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import type { EngineBundle } from '../../src/extension/engineBundle.ts';
import { EngineSession } from '../../src/extension/engineSession.ts';
import { Log } from '../../src/extension/log.ts';
import type { SessionState } from '../../src/extension/session.ts';
import { openFolder } from './openFolderVscode.ts';
import { featureRequest } from './sampleRepository.ts';
import { type Scene, secret } from './scene.ts';
import { testToken } from './servedApi.ts';

const root = join(import.meta.dirname, '../..');
const claude = join(root, 'node_modules/.bin/claude');

/**
 * The session of a window on a scene, in this process, with the local server over it: it follows whoever holds the storage
 * and takes over when that one goes. For tests that mock `vscode` with `openFolderVscode.ts`.
 */
export class ServingWindow {
  readonly session: EngineSession;
  readonly server: RunningServer;
  /** In what states the session stood, in order. */
  readonly states: SessionState['type'][];
  /** What went wrong in a stream. */
  readonly complaints: readonly unknown[];
  private readonly way: { open: Promise<void> };

  private constructor(
    parts: Pick<ServingWindow, 'session' | 'server' | 'states' | 'complaints'>,
    way: ServingWindow['way'],
  ) {
    this.session = parts.session;
    this.server = parts.server;
    this.states = parts.states;
    this.complaints = parts.complaints;
    this.way = way;
  }

  static async open(scene: Scene, port = 0): Promise<ServingWindow> {
    openFolder(scene.repository);
    const { engine } = createRequire(import.meta.url)(join(root, 'dist/engine.js')) as {
      readonly engine: EngineBundle;
    };
    const way = { open: Promise.resolve() };
    const kept = new Map<string, unknown>();
    const session = new EngineSession({
      context: {
        storageUri: { fsPath: scene.storage },
        extensionUri: { fsPath: root },
        workspaceState: {
          get: (key: string) => kept.get(key),
          update: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)),
        },
      } as never,
      loadEngine: () => ({
        ...engine,
        connectToHolder: async (storage) => {
          await way.open;
          return engine.connectToHolder(storage);
        },
      }),
      environment: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(scene.folder, 'home'),
        ANTHROPIC_API_KEY: secret,
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${scene.api.port}`,
      },
      agentEnvironment: {},
      prepare: () => Promise.resolve(),
      log: new Log(),
      onProgress: () => undefined,
    });
    const states: SessionState['type'][] = [];
    session.onDidChangeState(({ type }) => states.push(type));
    await session.engine();
    const complaints: unknown[] = [];
    const server = await startServer({
      feed: session,
      project: { name: 'tiny text', path: scene.repository },
      newTask: {
        defaults: () => ({
          ...defaultSettings,
          isolation: 'process',
          claudePath: claude,
          testCommand: featureRequest.testCommand,
        }),
        check: () => Promise.resolve(),
      },
      access: 'move',
      port,
      token: testToken,
      pages: null,
      secrets: () => [secret],
      logger: { ...silentLogger, error: (event, fields) => complaints.push([event, fields]) },
      limits: { retryMs: 5, movesPerMinute: 100_000, readsPerMinute: 100_000 },
    });
    const window = new ServingWindow({ session, server, states, complaints }, way);
    onTestFinished(() => window.close());
    return window;
  }

  /** When it loses its holder it does not look for the next one before the returned function is called: as a machine under load is slow. */
  holdBack(): () => void {
    let release = (): void => undefined;
    this.way.open = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** Resolves when the session stands so. */
  async until(type: SessionState['type']): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.session.state.type !== type) throw new Error(`it is ${this.session.state.type}`);
      },
      { timeout: 30_000, interval: 10 },
    );
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.session.close();
  }
}
