import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { sealBundle } from '../../src/engine/context/digest.ts';
import { taskIdOf } from '../../src/engine/domain/ids.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { inProcessStore } from '../support/inProcessStore.ts';
import { RecordingEffects } from '../support/recordingEffects.ts';
import { SteppedClock } from '../support/steppedClock.ts';
import { temporaryDirectory, wasmPath } from '../support/storeFixtures.ts';

test('a lower cap holds the next tasks back, lets what executes go on, and counts from the moment it changes', async () => {
  const directory = await temporaryDirectory();
  const store = await SqlStore.open({ directory, repositoryPath: '/r', projectName: 'r', wasmPath });
  onTestFinished(() => store.close());
  const service = await OrchestratorService.open({
    store: inProcessStore(store),
    clock: new SteppedClock(1_000),
    logger: silentLogger,
    drive: 'all',
    atMost: 1,
  });
  await service.start(new RecordingEffects());
  for (const title of ['one', 'two', 'three']) {
    const taskId = taskIdOf(randomUUID());
    const { body, digest } = sealBundle({ type: 'request', format: 1, title, description: '' });
    const create = {
      type: 'create',
      taskId,
      title,
      description: '',
      priority: 0,
      settings: defaultSettings,
    } as const;
    const bundle = { digest, taskId, runId: null, stage: 'request', body } as const;
    expect(await service.dispatch({ ...create, requestDigest: digest }, [bundle])).toBeNull();
  }
  const executing = () => service.openTasks().filter(({ phase }) => phase.type === 'preparing').length;
  expect(executing()).toBe(1);
  await service.limit(2);
  expect(executing()).toBe(2);
  await service.limit(1);
  expect(executing()).toBe(2);
  // Two at once is the most there is.
  await service.limit(7);
  expect(executing()).toBe(2);
});
