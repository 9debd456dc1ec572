import { join } from 'node:path';
import type { Store } from '../../src/engine/ports/store.ts';
import { openStore } from '../../src/engine/store/workerStore.ts';
import type { BenchContext } from './bench.ts';
import { storeOptions } from './seeds.ts';

/** The storage in a folder as an engine opens it: in the thread of its own that the product has. */
export function openBenchStore(directory: string, context: Pick<BenchContext, 'distFolder'>): Promise<Store> {
  return openStore({
    ...storeOptions(directory, context),
    workerPath: join(context.distFolder, 'storeWorker.js'),
    holder: 'a bench',
  });
}
