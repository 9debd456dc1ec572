import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../src/engine/allocation/containerEngine.ts';
import { containerUser, labels } from '../../../src/engine/allocation/containerSpec.ts';
import { DockerIsolation } from '../../../src/engine/allocation/dockerIsolation.ts';
import { leaseIdOf } from '../../../src/engine/domain/ids.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { FakeContainerEngine, ManualClock } from '../../support/dockerEngineFake.ts';
import { RepositoryFixture, leaseRequest, newRun } from '../../support/dockerEngineHarness.ts';

const loaded = vi.hoisted(() => ({ dockerode: false }));
vi.mock('dockerode', () => {
  loaded.dockerode = true;
  return { default: {} };
});

const never = new AbortController().signal;
const deadlineOf = (repository: RepositoryFixture) =>
  Number(readFileSync(resolve(repository.runs, '.lease/deadline'), 'utf8')) * 1000;

describe('the Docker isolation', () => {
  let repository: RepositoryFixture;
  let engine: FakeContainerEngine;
  let clock: ManualClock;
  let isolation: DockerIsolation;

  beforeEach(() => {
    repository = new RepositoryFixture();
    engine = new FakeContainerEngine();
    clock = new ManualClock();
    isolation = new DockerIsolation({
      storageId: 'storage',
      buildContext: resolve(import.meta.dirname, '../../../media/container'),
      logger: silentLogger,
      clock,
      onProgress: () => {},
      openEngine: async () => engine,
    });
  });

  afterEach(async () => {
    await isolation.close();
    repository.remove();
  });

  const request = (port: 8081 | 8082 = 8081, generation = 1) => ({
    ...leaseRequest(repository, port, generation),
    image: 'image:1',
  });

  it('makes one container with the labels that find it again, never as root', async () => {
    await isolation.acquire(request(), never);
    const [container, ...others] = [...engine.containers.values()];
    expect(others).toEqual([]);
    expect(container?.spec.labels).toMatchObject({
      [labels.storage]: 'storage',
      [labels.lease]: '8081.1',
      [labels.port]: '8081',
      [labels.generation]: '1',
      [labels.enginePid]: String(process.pid),
    });
    expect(container?.spec.user).not.toMatch(/^0:/);
    expect(containerUser({ uid: 0, gid: 0 })).toEqual({ uid: 1000, gid: 1000 });
    expect(containerUser({ uid: 1234, gid: 20 })).toEqual({ uid: 1234, gid: 20 });
  });

  it('gives the main repository and everything that decides about the container read-only', async () => {
    await isolation.acquire(request(), never);
    const mounts = [...engine.containers.values()][0]?.spec.mounts ?? [];
    const writable = mounts.filter((mount) => !mount.readOnly).map((mount) => mount.target);
    expect(writable).toEqual(['/workspace', '/orchestrator']);
    expect(mounts.map((mount) => mount.target)).toEqual(
      expect.arrayContaining(['/workspace/.git', '/orchestrator/.lease', '/objects']),
    );
  });

  it('adopts the running container of the lease and asks its image nothing', async () => {
    await isolation.acquire(request(), never);
    const made = [...engine.containers.keys()];
    engine.commands.length = 0;
    const again = await isolation.acquire(request(), never);
    expect([...engine.containers.keys()]).toEqual(made);
    expect(engine.commands).toEqual([]);
    expect(await again.claude()).toBe('/usr/bin/claude');
  });

  it('replaces the container of the lease when it no longer runs', async () => {
    await isolation.acquire(request(), never);
    const [first] = engine.containers.values();
    if (first !== undefined) first.running = false;
    await isolation.acquire(request(), never);
    const after = [...engine.containers.values()];
    expect(after).toHaveLength(1);
    expect(after[0]).not.toBe(first);
  });

  it.each([
    'driver failed: Error starting userland proxy: listen tcp4 127.0.0.1:8081: bind: address already in use',
    'driver failed: Bind for 127.0.0.1:8081 failed: port is already allocated',
    'Ports are not available: exposing port TCP 127.0.0.1:8081 -> 127.0.0.1:0: listen tcp 127.0.0.1:8081: bind: Only one usage of each socket address',
  ])('takes "%s" for a taken port and removes what could not start', async (message) => {
    engine.startError = new EngineError(500, message);
    const refused = await isolation.acquire(request(), never).catch((error: unknown) => error);
    expect(OrchestratorError.is(refused, 'port-taken')).toBe(true);
    expect(String(refused)).toContain('8081');
    expect(engine.containers.size).toBe(0);
  });

  it('names any other refusal an environment error', async () => {
    engine.startError = new EngineError(500, 'no space left on device');
    const refused = await isolation.acquire(request(), never).catch((error: unknown) => error);
    expect(OrchestratorError.is(refused, 'environment')).toBe(true);
    expect(String(refused)).toContain('no space left');
    expect(engine.containers.size).toBe(0);
  });

  it.each([
    ['is paused', new EngineError(409, 'Container x is paused, unpause the container before exec')],
    ['lets no command in', new EngineError(500, 'A command in the container took over 60000 ms.')],
  ])('ends a run with its container when that one %s', async (_, refusal) => {
    const workspace = await isolation.acquire(request(), never);
    const runDir = await newRun(repository);
    await workspace.start({ runDir, argv: ['sleep', '60'], stdin: '', env: {}, timeoutMs: 60_000 });
    vi.spyOn(engine, 'run').mockRejectedValue(refusal);
    await workspace.stop(runDir);
    expect(engine.containers.size).toBe(0);
    const ended = workspace.ended(runDir, never);
    // One look by the isolation's clock beside those for the deadline.
    await expect.poll(() => clock.timers).toBeGreaterThan(1);
    clock.advance(2_000);
    expect(await ended).toMatchObject({ reason: 'lost' });
  });

  it('renews the deadline of a lease it holds until the lease is released', async () => {
    await isolation.acquire(request(), never);
    const hour = 60 * 60_000;
    expect(deadlineOf(repository)).toBe(clock.now() + hour);
    for (let round = 0; round < 3; round++) {
      await clock.waitedFor();
      clock.advance(4 * 60_000);
      await expect.poll(() => deadlineOf(repository)).toBe(clock.now() + hour);
    }
    await isolation.release(leaseIdOf(8081, 1));
    const last = deadlineOf(repository);
    clock.advance(hour);
    expect(deadlineOf(repository)).toBe(last);
  });

  it('keeps a container alive whose worktree takes its time', async () => {
    let populate: () => void = () => {};
    const populated = new Promise<void>((done) => (populate = done));
    const { worktree } = request();
    const acquired = isolation.acquire({ ...request(), worktree: { ...worktree, populated } }, never);
    await clock.waitedFor();
    expect(deadlineOf(repository)).toBe(clock.now() + 60 * 60_000);
    populate();
    await acquired;
  });

  it('removes the container again when its worktree cannot be populated', async () => {
    const populated = Promise.reject(new Error('no space left for the files'));
    // Whoever makes the worktree hears of it, too.
    populated.catch(() => {});
    const { worktree } = request();
    const refused = isolation.acquire({ ...request(), worktree: { ...worktree, populated } }, never);
    await expect(refused).rejects.toThrow('no space left for the files');
    expect(engine.containers.size).toBe(0);
  });

  it('asks Docker for nothing that is to last when its worktree cannot be registered', async () => {
    const registered = Promise.reject(new Error('no such branch'));
    const worktree = { registered, populated: registered };
    await expect(isolation.acquire({ ...request(), worktree }, never)).rejects.toThrow('no such branch');
    expect(engine.containers.size).toBe(0);
  });

  it('builds its own image once, however many ask for it at the same time', async () => {
    const builds = vi.spyOn(engine, 'buildImage');
    const own = { image: null, claudePath: null };
    await Promise.all([
      isolation.acquire({ ...request(8081), ...own }, never),
      isolation.acquire({ ...request(8082, 2), ...own }, never),
    ]);
    expect(builds).toHaveBeenCalledTimes(1);
  });

  it('tries again to build an image that could not be built', async () => {
    const own = { ...request(), image: null, claudePath: null };
    vi.spyOn(engine, 'buildImage').mockRejectedValueOnce(new EngineError(500, 'no such mirror'));
    await expect(isolation.acquire(own, never)).rejects.toThrow('no such mirror');
    await expect(isolation.acquire(own, never)).resolves.toBeDefined();
  });

  it('refuses to run with an engine that maps user ids', async () => {
    const info = await engine.info();
    vi.spyOn(engine, 'info').mockResolvedValue({ ...info, remapsUsers: true });
    const check = isolation.check({ image: null, claudePath: null, baseUrl: null });
    await expect(check).rejects.toMatchObject({ code: 'environment', remedy: expect.any(String) });
  });

  it('gives a host path to programs as they see it, and none from elsewhere', async () => {
    const workspace = await isolation.acquire(request(), never);
    expect(workspace.pathInside(resolve(repository.runs, 'qa-1', 'prompt.md'))).toBe(
      '/orchestrator/qa-1/prompt.md',
    );
    expect(workspace.pathInside(repository.runs)).toBe('/orchestrator');
    expect(() => workspace.pathInside(repository.worktree)).toThrow('is not below');
  });

  it('refuses a commit that is none before any shell sees it', async () => {
    const workspace = await isolation.acquire(request(), never);
    const runDir = await newRun(repository);
    const checkout = { branch: 'main', commit: '$(id)', indexFile: '/nowhere/index' };
    await expect(
      workspace.start({ runDir, argv: ['true'], stdin: '', env: {}, timeoutMs: 60_000, checkout }),
    ).rejects.toThrow('Not a commit id');
  });

  it('does not load the Docker client before it needs Docker', async () => {
    const lazy = new DockerIsolation({
      storageId: 's',
      buildContext: '',
      logger: silentLogger,
      clock,
      onProgress: () => {},
    });
    await lazy.close();
    expect(loaded.dockerode).toBe(false);
  });
});
