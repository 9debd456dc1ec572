import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerEngine } from '../../src/engine/allocation/containerEngine.ts';
import { type BenchContext, Skipped } from './bench.ts';

/** The id of the image that our own Dockerfile was built to. */
export async function ownImage(
  engine: ContainerEngine,
  { root }: Pick<BenchContext, 'root'>,
): Promise<string> {
  const content = await readFile(join(root, 'media', 'container', 'Dockerfile'));
  const tag = `orchestrator-manager:${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  const id = await engine.imageId(tag);
  if (id === null) throw new Skipped(`there is no image ${tag}; the bench \`docker\` builds it`);
  return id;
}
