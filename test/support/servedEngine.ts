import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { emptyAllocation, type Slots } from '../../src/engine/domain/allocation.ts';
import type { PersonCommand } from '../../src/engine/domain/commands.ts';
import type { TaskId } from '../../src/engine/domain/ids.ts';
import type { Records } from '../../src/engine/engine.ts';
import type { Notice } from '../../src/engine/notice.ts';
import { EngineServer, type SharedEngine } from '../../src/engine/sharing/engineServer.ts';

/** An engine that records what it is asked and says what the test lets it say, behind a real socket. */
export class ServedEngine implements SharedEngine {
  readonly server = new EngineServer(Promise.resolve(this));
  readonly dispatched: PersonCommand[] = [];
  readonly records: Records;
  readonly service: SharedEngine['service'];
  slots: Slots = emptyAllocation.slots;
  /** `settled` is answered when the test says so. */
  settle: () => void = () => {};
  private readonly listeners = new Set<(notice: Notice) => void>();
  private path = '';

  constructor() {
    const none = (): Promise<never> => Promise.reject(new Error('not part of this test'));
    this.records = {
      task: () => Promise.resolve(null),
      taskIdsWithPrefix: none,
      tasks: () => Promise.resolve([]),
      bundle: none,
      bundles: none,
      audit: none,
      verifyAudit: none,
      damage: none,
    };
    this.service = {
      slots: () => this.slots,
      subscribe: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    };
  }

  /** Listens until the test is over. */
  async listen(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'orch-'));
    this.path = join(folder, 'engine.sock');
    const sockets = new Set<Socket>();
    const listener = createServer((socket) => {
      sockets.add(socket);
      this.server.accept(socket);
    });
    await new Promise<void>((resolve) => listener.listen(this.path, resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
      await rm(folder, { recursive: true, force: true });
    });
  }

  async connect(): Promise<Socket> {
    const socket = connect({ path: this.path });
    onTestFinished(() => void socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }

  publish(notice: Notice): void {
    for (const listener of this.listeners) listener(notice);
  }

  get followers(): number {
    return this.listeners.size;
  }

  dispatch = (command: PersonCommand): Promise<null> => {
    this.dispatched.push(command);
    return Promise.resolve(null);
  };

  importTasks = (): Promise<never> => Promise.reject(new Error('not part of this test'));
  importArchive = (): Promise<never> => Promise.reject(new Error('not part of this test'));

  settled = (_taskId: TaskId): Promise<void> =>
    new Promise((resolve) => {
      this.settle = resolve;
    });

  close = (): Promise<void> => Promise.resolve();
}
