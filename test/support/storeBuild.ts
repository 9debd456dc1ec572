import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface StoreBuild {
  /** The worker as it ships: one CommonJS file. */
  readonly workerPath: string;
  /** `storeChild.ts`, to run as a process of its own. */
  readonly childPath: string;
  remove(): Promise<void>;
}

/** Bundles the worker and the child process of the tests as the product is bundled. */
export async function buildStore(): Promise<StoreBuild> {
  const directory = await mkdtemp(join(tmpdir(), 'orch-'));
  await build({
    entryPoints: {
      storeWorker: source('../../src/engine/store/storeWorker.ts'),
      storeChild: source('storeChild.ts'),
    },
    outdir: directory,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  return {
    workerPath: join(directory, 'storeWorker.cjs'),
    childPath: join(directory, 'storeChild.cjs'),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function source(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
