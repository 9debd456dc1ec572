import type { LeaseId } from '../domain/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { labels } from './containerSpec.ts';

/** A container can appear while others are removed: one that a dying engine had just asked for. */
const maxRounds = 10;

/**
 * Removes every container of this storage whose lease is not live, in whatever state it is. Containers without our
 * labels or of another storage are never touched.
 */
export async function reapContainers(
  engine: ContainerEngine,
  storageId: string,
  live: ReadonlySet<LeaseId>,
  logger: Logger,
): Promise<void> {
  const liveLeases: ReadonlySet<string | undefined> = live;
  for (let round = 0; round < maxRounds; round++) {
    const found = await engine.list({ [labels.storage]: storageId });
    const stale = found.filter((container) => !liveLeases.has(container.labels[labels.lease]));
    if (stale.length === 0) return;
    for (const container of stale) logger.info('docker.reap', { container: container.name });
    await Promise.all(stale.map((container) => engine.remove(container.id)));
  }
  logger.warn('docker.reap-unfinished', { storageId });
}
