import { expect } from 'vitest';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import type { WireTask } from '../../src/engine/protocol/wire.ts';
import { connectToHolder } from '../../src/engine/store/writerLock.ts';
import { expectAllOnRecord, expectAskedOnce, expectNothingLeft, expectOutputWhole } from './aftermath.ts';
import type { HostProcess } from './hostProcess.ts';
import { sampleScript } from './sampleScript.ts';
import { Barrier, type OtherEngine, Scene } from './scene.ts';

/**
 * A task whose agent is held in its specification, between two answers of the model: the moment at which a test lets
 * something fail. It rests at the gate after that stage, so that a test takes seconds.
 */
export class HeldTask {
  readonly scene: Scene;
  readonly host: HostProcess;
  private readonly barrier: Barrier;
  /** All hosts that drove it. */
  private readonly drivers: HostProcess[];

  private constructor(scene: Scene, host: HostProcess, barrier: Barrier) {
    this.scene = scene;
    this.host = host;
    this.barrier = barrier;
    this.drivers = [host];
  }

  /** `disk`: a folder for everything of the scene. */
  static async start(
    isolation: IsolationKind,
    engine: OtherEngine | null = null,
    disk?: string,
  ): Promise<HeldTask> {
    const barrier = new Barrier();
    const script = sampleScript('Slug it', 'right-at-once', ({ turn }) =>
      turn === 1 ? barrier.pass() : null,
    );
    const scene = await Scene.make(isolation, [script], engine, disk);
    const host = scene.task('run', 'Slug it', '--gate', 'specification');
    // A host that ends before the agent got there says why.
    await Promise.race([barrier.reached, scene.done(host, 0)]);
    return new HeldTask(scene, host, barrier);
  }

  /** Lets the agent go on. */
  release(): void {
    this.barrier.open();
  }

  /** The next host, after the one before was ended; resolves when it has the storage. */
  async resume(): Promise<HostProcess> {
    const host = this.scene.host('resume');
    this.drivers.push(host);
    const isHeld = async (): Promise<boolean> => {
      const socket = await connectToHolder(this.scene.storage);
      socket?.destroy();
      return socket !== null;
    };
    await expect.poll(isHeld, { timeout: 30_000 }).toBe(true);
    return host;
  }

  async id(): Promise<string> {
    return (await this.host.event('task.created')).task_id;
  }

  /** Waits until the task rests at its gate, cancels it, and proves that nothing was lost, doubled or left over. */
  async finish(host: HostProcess = this.host): Promise<WireTask> {
    const [task] = (await this.scene.done(host, 2)).finals();
    if (task === undefined) throw new Error('the host told of no task');
    await this.scene.done(this.scene.host('cancel', task.task_id), 0);
    await this.leavesNothing();
    return task;
  }

  /** For a task that is final already. */
  async leavesNothing(): Promise<void> {
    await expectAllOnRecord(this.scene, this.drivers);
    expectAskedOnce(this.scene);
    await expectOutputWhole(this.scene);
    await expectNothingLeft(this.scene);
  }
}

/** `stage attempt outcome` of each run. */
export function runsOf(task: WireTask): readonly string[] {
  return task.stages.map(({ type, attempt, outcome }) => `${type} ${attempt} ${outcome}`);
}
