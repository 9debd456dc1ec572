import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labels } from '../../src/engine/allocation/containerSpec.ts';
import { leaseIdOf } from '../../src/engine/domain/ids.ts';
import { OrchestratorError } from '../../src/engine/ports/errors.ts';
import {
  DockerHarness,
  baseImage,
  leaseRequest,
  newRun,
  outputOf,
  startProgram,
} from '../support/dockerEngineHarness.ts';
import { EngineProcess } from '../support/dockerEngineProcess.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();
const never = new AbortController().signal;

describe.skipIf(skip)('leases on one Docker engine', { timeout: 120_000 }, () => {
  let harness: DockerHarness;

  beforeEach(async () => {
    harness = await DockerHarness.open();
  });

  afterEach(async () => {
    await harness.close();
  }, 60_000);

  afterAll(async () => {
    expect(await harness.leftovers()).toEqual([]);
  });

  it('takes three slots at once and gives each back, whole', async () => {
    const storageId = harness.storageId();
    const isolation = harness.isolation({ storageId });
    const ports = [8081, 8082, 8083] as const;
    const workspaces = await Promise.all(
      ports.map((port) => isolation.acquire(leaseRequest(harness.repository(), port), never)),
    );
    expect(workspaces.map((workspace) => workspace.containerPort)).toEqual([...ports]);
    expect(await harness.containers(storageId)).toHaveLength(3);
    for (const port of ports) {
      await isolation.release(leaseIdOf(port, 1));
      await isolation.release(leaseIdOf(port, 1));
    }
    expect(await harness.containers(storageId)).toEqual([]);
  });

  it('adopts the container of a lease that still stands, with what runs in it', async () => {
    const storageId = harness.storageId();
    const repository = harness.repository();
    const first = harness.isolation({ storageId });
    const workspace = await first.acquire(leaseRequest(repository, 8081), never);
    const runDir = await startProgram(repository, workspace, ['sleep', '60']);
    const before = await harness.containers(storageId);
    await first.close();

    const adopted = await harness.isolation({ storageId }).acquire(leaseRequest(repository, 8081), never);
    expect(await harness.containers(storageId)).toEqual(before);
    expect(await adopted.claude()).toBe(await workspace.claude());
    expect(await adopted.wasStarted(runDir)).toBe(true);
    await adopted.stop(runDir);
    expect(await adopted.ended(runDir, never)).toEqual({ code: null, signal: 'SIGTERM', reason: 'stopped' });
  });

  it('replaces a container of the same slot that belongs to an older lease', async () => {
    const storageId = harness.storageId();
    const isolation = harness.isolation({ storageId });
    await isolation.acquire(leaseRequest(harness.repository(), 8081, 1), never);
    const before = await harness.containers(storageId);
    await isolation.acquire(leaseRequest(harness.repository(), 8081, 2), never);
    const after = await harness.containers(storageId);
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  it('leaves a run going when the engine process is killed, and takes it up again', async () => {
    const storageId = harness.storageId();
    const repository = harness.repository();
    const request = leaseRequest(repository, 8081);
    const runDir = await newRun(repository);
    const isolation = harness.isolation({ storageId });
    const script = 'echo before; while [ ! -e /workspace/go ]; do sleep 0.1; done; echo after; exit 5';
    const engine = await EngineProcess.start(repository.folder, storageId, request, runDir, [
      'sh',
      '-c',
      script,
    ]);
    await engine.kill();

    const workspace = await isolation.acquire(request, never);
    const ended = workspace.ended(runDir, never);
    const [id = ''] = await harness.containers(storageId);
    expect(await harness.engine.run(id, ['touch', '/workspace/go'])).toMatchObject({ code: 0 });
    expect(await ended).toEqual({ code: 5, signal: null, reason: 'exited' });
    expect(outputOf(runDir).stdout).toBe('before\nafter\n');
  });

  it('names the program that holds the port, and leaves no container behind', async () => {
    const storageId = harness.storageId();
    const listen = 'require("net").createServer().listen(8081, "127.0.0.1", () => console.log("up"))';
    const holder = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    try {
      const refused = await harness
        .isolation({ storageId })
        .acquire(leaseRequest(harness.repository(), 8081), never)
        .catch((error: unknown) => error);
      expect(OrchestratorError.is(refused, 'port-taken')).toBe(true);
      expect(String(refused)).toContain('Port 8081 is taken by');
      if (process.platform === 'linux') expect(String(refused)).toContain(`process ${holder.pid}`);
      expect(await harness.containers(storageId)).toEqual([]);
    } finally {
      holder.kill();
      await once(holder, 'close');
    }
  });

  it('names the container that holds the port', async () => {
    const other = harness.storageId();
    await harness.isolation({ storageId: other }).acquire(leaseRequest(harness.repository(), 8082), never);
    const acquired = harness.isolation().acquire(leaseRequest(harness.repository(), 8082), never);
    await expect(acquired).rejects.toThrow(
      `Port 8082 is taken by the container orchestrator-${other}-8082.1.`,
    );
  });

  it('reaps what no lease holds, and touches neither strangers nor other storages', async () => {
    const [mine, theirs, strangers] = [
      harness.storageId(),
      harness.storageId(),
      `stranger-${harness.storageId()}`,
    ];
    const isolation = harness.isolation({ storageId: mine });
    await isolation.acquire(leaseRequest(harness.repository(), 8081), never);
    await isolation.acquire(leaseRequest(harness.repository(), 8082), never);
    await harness.isolation({ storageId: theirs }).acquire(leaseRequest(harness.repository(), 8083), never);
    const stranger = await harness.engine.create({
      name: strangers,
      image: baseImage,
      labels: { [labels.role]: 'lease' },
      user: '1000:1000',
      command: ['sleep', '60'],
      env: {},
      workingDir: '/',
      mounts: [],
      tmpfs: {},
      port: null,
      limits: { memoryBytes: 64 * 2 ** 20, cpus: 1, pids: 10 },
      whenEnded: 'removed',
    });
    try {
      await isolation.reap(new Set([leaseIdOf(8082, 1)]));
      const left = await harness.engine.list({ [labels.storage]: mine });
      expect(left.map((container) => container.labels[labels.lease])).toEqual(['8082.1']);
      expect(await harness.containers(theirs)).toHaveLength(1);
      expect(await harness.engine.isRunning(stranger)).toBe(false);
      await isolation.reap(new Set());
      expect(await harness.containers(mine)).toEqual([]);
    } finally {
      await harness.engine.remove(stranger);
    }
  });

  it('gives up an acquisition that was aborted, container and all', async () => {
    const storageId = harness.storageId();
    const aborted = new AbortController();
    const acquired = harness
      .isolation({ storageId })
      .acquire(leaseRequest(harness.repository(), 8081), aborted.signal);
    aborted.abort(new Error('changed my mind'));
    await expect(acquired).rejects.toThrow('changed my mind');
    expect(await harness.containers(storageId)).toEqual([]);
  });

  it('refuses an image that is not here, and says how to get it', async () => {
    const request = { ...leaseRequest(harness.repository(), 8081), image: 'orchestrator-test/none:1' };
    const refused = await harness
      .isolation()
      .acquire(request, never)
      .catch((error: unknown) => error);
    expect(OrchestratorError.is(refused, 'environment')).toBe(true);
    expect(refused).toMatchObject({
      remedy: expect.stringContaining('docker pull orchestrator-test/none:1'),
    });
  });

  it('refuses an API address on this machine, which a container cannot reach', async () => {
    const isolation = harness.isolation();
    for (const baseUrl of ['http://localhost:4000', 'http://127.0.0.1:4000/v1', 'http://[::1]:80']) {
      const check = isolation.check({ image: baseImage, claudePath: null, baseUrl });
      await expect(check).rejects.toMatchObject({
        code: 'environment',
        remedy: expect.stringContaining('host.docker.internal'),
      });
    }
    const { claudePath } = leaseRequest(harness.repository(), 8081);
    await isolation.check({ image: baseImage, claudePath, baseUrl: 'http://host.docker.internal:4000' });
  });

  it('refuses an image without Claude Code where the host has none for it either', async () => {
    const check = harness
      .isolation()
      .check({ image: baseImage, claudePath: join('/', 'no', 'claude'), baseUrl: null });
    await expect(check).rejects.toThrow('neither in the container image nor on this machine');
  });
});
