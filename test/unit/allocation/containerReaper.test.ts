import { beforeEach, describe, expect, it, vi } from 'vitest';
import { reapContainers } from '../../../src/engine/allocation/containerReaper.ts';
import { labels } from '../../../src/engine/allocation/containerSpec.ts';
import { leaseIdOf } from '../../../src/engine/domain/ids.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { FakeContainerEngine } from '../../support/dockerEngineFake.ts';

describe('the reaper', () => {
  let engine: FakeContainerEngine;

  beforeEach(() => {
    engine = new FakeContainerEngine();
  });

  it('removes leases that are not live and probes, and nothing else', async () => {
    await container({ [labels.storage]: 'mine', [labels.lease]: '8081.1' });
    await container({ [labels.storage]: 'mine', [labels.role]: 'probe' });
    const kept = [
      await container({ [labels.storage]: 'mine', [labels.lease]: '8082.2' }),
      await container({ [labels.storage]: 'other', [labels.lease]: '8081.1' }),
      await container({}),
    ];
    await reapContainers(engine, 'mine', new Set([leaseIdOf(8082, 2)]), silentLogger);
    expect([...engine.containers.keys()]).toEqual(kept);
  });

  it('looks again for containers that appeared while it removed others', async () => {
    await container({ [labels.storage]: 'mine', [labels.lease]: '8081.1' });
    const remove = engine.remove.bind(engine);
    vi.spyOn(engine, 'remove').mockImplementationOnce(async (id) => {
      await container({ [labels.storage]: 'mine', [labels.lease]: '8083.1' });
      await remove(id);
    });
    await reapContainers(engine, 'mine', new Set(), silentLogger);
    expect(engine.containers.size).toBe(0);
  });

  function container(containerLabels: Readonly<Record<string, string>>): Promise<string> {
    return engine.create({
      name: 'container',
      image: 'image:1',
      labels: containerLabels,
      user: '1000:1000',
      command: [],
      env: {},
      workingDir: '/',
      mounts: [],
      tmpfs: {},
      port: null,
      limits: { memoryBytes: 1, cpus: 1, pids: 1 },
      whenEnded: 'removed',
    });
  }
});
