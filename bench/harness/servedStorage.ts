import { createRequire } from 'node:module';
import { join } from 'node:path';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import type { Store } from '../../src/engine/ports/store.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import type { BenchContext } from './bench.ts';
import { openBenchStore } from './benchStore.ts';
import { Lives } from './lives.ts';

/** As much of the server's bundle as is used here. */
interface ServerBundle {
  readonly server: {
    readonly OrchestratorFeed: { open(engine: object, storage: string): Promise<{ dispose(): void }> };
    startServer(options: object): Promise<{
      readonly url: string;
      readonly token: string;
      close(): Promise<void>;
    }>;
  };
}

/** The built server over a storage, with an engine whose effects succeed at once. */
export interface ServedStorage {
  readonly url: string;
  readonly token: string;
  readonly lives: Lives;
  readonly store: Store;
  close(): Promise<void>;
}

export const serverBundle = (distFolder: string): string => join(distFolder, 'server.js');

export async function serveStorage(
  storage: string,
  { distFolder }: Pick<BenchContext, 'distFolder'>,
): Promise<ServedStorage> {
  const { server: built } = createRequire(import.meta.url)(serverBundle(distFolder)) as ServerBundle;
  const store = await openBenchStore(storage, { distFolder });
  const lives = await Lives.open(store);
  const { service } = lives;
  const engine = {
    service,
    records: store,
    dispatch: service.dispatch.bind(service),
    settled: service.settled.bind(service),
    close: async () => {},
  };
  const feed = await built.OrchestratorFeed.open(engine, storage);
  const server = await built.startServer({
    feed,
    project: { name: 'repository', path: '/repository' },
    newTask: { defaults: () => defaultSettings, check: async () => {} },
    access: 'read',
    pages: null,
    secrets: () => [],
    logger: silentLogger,
    limits: { connections: 4_000, readsPerMinute: 1_000_000 },
  });
  return {
    url: server.url,
    token: server.token,
    lives,
    store,
    async close() {
      await server.close();
      feed.dispose();
      await store.close();
    },
  };
}
