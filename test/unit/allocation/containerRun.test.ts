import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../src/engine/allocation/containerEngine.ts';
import { ContainerEvents } from '../../../src/engine/allocation/containerEvents.ts';
import { endingMs, waitForRun } from '../../../src/engine/allocation/containerRun.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type { ExitRecord } from '../../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../../src/engine/ports/logger.ts';
import { writeExitRecord } from '../../../src/engine/process/runDirectory.ts';
import { FakeContainerEngine, ManualClock } from '../../support/dockerEngineFake.ts';

const timeoutMs = 60_000;
const exited: ExitRecord = { code: 0, signal: null, reason: 'exited' };

describe('waiting for a run', () => {
  let runDir: string;
  let engine: FakeContainerEngine;
  let clock: ManualClock;
  let containerId: string;
  let events: ContainerEvents;

  beforeEach(async () => {
    runDir = mkdtempSync(join(tmpdir(), 'orch-'));
    engine = new FakeContainerEngine();
    clock = new ManualClock();
    events = new ContainerEvents(engine, {}, silentLogger);
    containerId = await engine.create({
      name: 'lease',
      image: 'image:1',
      labels: {},
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
    await engine.start(containerId);
    writeFileSync(join(runDir, 'owner.json'), '{}');
  });

  afterEach(() => {
    events.close();
    rmSync(runDir, { recursive: true });
  });

  it('ends with the record as soon as it is written', async () => {
    const ended = wait();
    await clock.waitedFor();
    await writeExitRecord(runDir, exited);
    expect(await ended).toEqual(exited);
  });

  it('finds a record by its slow look when the file system says nothing', async () => {
    await writeExitRecord(runDir, exited);
    engine.containers.clear();
    expect(await wait()).toEqual(exited);
  });

  it.each([
    ['was removed', () => engine.containers.clear()],
    ['stopped', () => stopContainer()],
  ])('is lost when its container %s', async (_, happen) => {
    const ended = wait();
    await clock.waitedFor();
    happen();
    engine.emit({ containerId, action: 'die' });
    void looks(2);
    expect(await ended).toEqual({ code: null, signal: null, reason: 'lost', detail: 'container removed' });
  });

  it('takes a container that went before its engine did for one that went with it', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.containers.clear();
    engine.emit({ containerId, action: 'die' });
    await clock.waitedFor();
    engine.away = new OrchestratorError('environment', 'no answer');
    await looks(5);
    engine.away = null;
    void looks(2);
    expect((await ended).detail).toBe('docker engine stopped');
  });

  it('names the want of memory when that took the container away', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.containers.clear();
    engine.emit({ containerId, action: 'oom' });
    expect((await ended).detail).toBe('out of memory');
  });

  it('is lost, with its container, when that does not begin it though the engine answers', async () => {
    rmSync(join(runDir, 'owner.json'));
    const ended = wait();
    void looks(20);
    expect(await ended).toMatchObject({ reason: 'lost', detail: expect.stringContaining('did not hear') });
    // Should the order come late, nobody is there to hear it.
    expect(engine.containers.size).toBe(0);
  });

  it('gives its beginning the time that an engine is away', async () => {
    rmSync(join(runDir, 'owner.json'));
    const ended = wait();
    await clock.waitedFor();
    engine.away = new OrchestratorError('environment', 'no answer');
    await looks(20);
    engine.away = null;
    await looks(10);
    writeFileSync(join(runDir, 'owner.json'), '{}');
    await looks(20);
    await writeExitRecord(runDir, exited);
    expect(await ended).toEqual(exited);
  });

  it('is lost when it was started in a container that an earlier lease had', async () => {
    const ended = wait({ launch: { containerId: 'another', timeoutMs } });
    expect((await ended).detail).toBe('container removed');
  });

  it('is lost when nothing was ever started', async () => {
    expect((await wait({ launch: null })).detail).toBe('never started');
  });

  it('goes on when the engine only refuses for a moment', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.away = new EngineError(409, 'removal in progress');
    await looks(2);
    engine.away = null;
    engine.containers.clear();
    engine.emit({ containerId, action: 'destroy' });
    void looks(2);
    expect((await ended).detail).toBe('container removed');
  });

  it('outlasts an engine that is away for less than a minute', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.away = new OrchestratorError('environment', 'no answer');
    engine.cutEvents();
    await looks(20);
    engine.away = null;
    await looks(20);
    await writeExitRecord(runDir, exited);
    expect(await ended).toEqual(exited);
  });

  it('gives up an engine that stays away for a minute', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.away = new OrchestratorError('environment', 'no answer');
    void looks(40);
    expect(await ended).toEqual({
      code: null,
      signal: null,
      reason: 'lost',
      detail: 'docker engine stopped',
    });
  });

  it('takes the record at once while the engine says nothing', async () => {
    vi.spyOn(engine, 'isRunning').mockReturnValue(new Promise(() => {}));
    const ended = wait();
    await vi.waitFor(() => expect(engine.isRunning).toHaveBeenCalled());
    await writeExitRecord(runDir, exited);
    expect(await ended).toEqual(exited);
  });

  it('ends a run with its container when it goes on long after its time limit, as in a frozen one', async () => {
    const ended = wait();
    void looks((timeoutMs + endingMs) / 2_000 + 1);
    expect(await ended).toMatchObject({ reason: 'timeout', detail: expect.stringContaining('container') });
    expect(engine.containers.size).toBe(0);
  });

  it('hears events again after the engine came back', async () => {
    const ended = wait();
    await clock.waitedFor();
    engine.cutEvents();
    await looks(2);
    engine.containers.clear();
    engine.emit({ containerId, action: 'destroy' });
    void looks(2);
    expect((await ended).detail).toBe('container removed');
  });

  it('waits with the record until the rest of the run is gone', async () => {
    engine.others = 1;
    await writeExitRecord(runDir, exited);
    const ended = wait();
    await looks(3);
    engine.others = 0;
    void looks(1);
    expect(await ended).toEqual(exited);
    expect(engine.containers.size).toBe(1);
  });

  it.each([
    ['goes on', () => (engine.others = 1)],
    ['cannot be seen', () => (engine.othersError = new EngineError(500, 'no ps'))],
  ])('ends a run that %s after its record with its container', async (_, happen) => {
    happen();
    await writeExitRecord(runDir, exited);
    const ended = wait();
    void looks(60);
    expect(await ended).toMatchObject({ reason: 'lost', detail: 'it went on after its exit record' });
    expect(engine.containers.size).toBe(0);
  });

  it('takes the record of a run whose engine stays away', async () => {
    engine.away = new OrchestratorError('environment', 'no answer');
    await writeExitRecord(runDir, exited);
    const ended = wait();
    void looks(40);
    expect(await ended).toEqual(exited);
  });

  it('refuses a record that cannot be read', async () => {
    writeFileSync(join(runDir, 'exit.json'), 'nonsense');
    await expect(wait()).rejects.toThrow('cannot be read');
  });

  function wait(other: Partial<Parameters<typeof waitForRun>[0]> = {}): Promise<ExitRecord> {
    const launch = { containerId, timeoutMs };
    const signal = AbortSignal.timeout(20_000);
    return waitForRun({ engine, containerId, events, clock, runDir, launch, signal, ...other });
  }

  function stopContainer(): void {
    const container = engine.containers.get(containerId);
    if (container !== undefined) container.running = false;
  }

  /** Lets the slow look come round so many times. */
  async function looks(count: number): Promise<void> {
    for (let look = 0; look < count; look++) {
      await clock.waitedFor();
      clock.advance(2_000);
    }
  }
});
