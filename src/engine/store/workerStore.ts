import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Task } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { LoadedState, Store } from '../ports/store.ts';
import type { SqlStoreOptions } from './sqlStore.ts';
import { SharedParts } from './sharedParts.ts';
import { openingId } from './storeProtocol.ts';
import type { StoreFailure, StoreMethod, StoreReply } from './storeProtocol.ts';
import { acquireWriterLock } from './writerLock.ts';
import type { WriterLock } from './writerLock.ts';

export interface OpenStoreOptions extends SqlStoreOptions {
  /** The bundled `storeWorker.js`. */
  readonly workerPath: string;
  /** Who opens it, in words for the person at the second window. */
  readonly holder: string;
  /** Gets whoever connects to the holder of the storage; without it they are turned away. */
  readonly onConnection?: (socket: Socket) => void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  /** Gets the pages that come before the answer. */
  take(tasks: readonly Task[]): void;
}

/**
 * Opens the storage in a worker thread, as its only writer. Throws `environment` when another process has it, when the
 * file is of a newer release, or when the disk will not do. After a failed write every call fails: close and open again.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { workerPath, holder, directory, repositoryPath, projectName, wasmPath } = options;
  const lock = await acquireWriterLock(directory, holder, options.onConnection);
  let store: WorkerStore | undefined;
  try {
    const worker = new Worker(workerPath, {
      workerData: { directory, repositoryPath, projectName, wasmPath },
      // It needs nothing of the environment, which may hold keys, nor of a test runner's loaders.
      env: {},
      execArgv: [],
      // What it makes lives no longer than a call: left to itself V8 keeps 48 MB for what is young.
      resourceLimits: { maxYoungGenerationSizeMb: 6 },
    });
    store = new WorkerStore(worker, lock);
    await store.opened;
    return store;
  } catch (error) {
    await store?.ended;
    await lock.release();
    throw error;
  }
}

class WorkerStore implements Store {
  readonly opened: Promise<void>;
  /** The thread is gone, and with it every handle on the file. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #lock: WriterLock;
  readonly #pending = new Map<number, Pending>();
  #lastId = openingId;
  /** Set when the thread has ended: nothing can be answered any more. */
  #end: OrchestratorError | null = null;
  #closing: Promise<void> | null = null;

  constructor(worker: Worker, lock: WriterLock) {
    this.#worker = worker;
    this.#lock = lock;
    this.opened = new Promise((resolve, reject) => {
      this.#pending.set(openingId, { resolve: () => resolve(), reject, take: () => {} });
    });
    this.ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (reply: StoreReply) => this.#settle(reply));
    worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => this.#fail('it was closed'));
  }

  async load(): ReturnType<Store['load']> {
    const tasks: Task[] = [];
    const shared = new SharedParts();
    const rest = await this.#ask<Omit<LoadedState, 'tasks'>>('load', [], (page) => {
      for (const task of page) tasks.push(shared.of(task));
    });
    return { ...rest, tasks };
  }

  commit(...args: Parameters<Store['commit']>): ReturnType<Store['commit']> {
    return this.#call('commit', ...args);
  }

  task(...args: Parameters<Store['task']>): ReturnType<Store['task']> {
    return this.#call('task', ...args);
  }

  taskIdsWithPrefix(...args: Parameters<Store['taskIdsWithPrefix']>): ReturnType<Store['taskIdsWithPrefix']> {
    return this.#call('taskIdsWithPrefix', ...args);
  }

  tasks(...args: Parameters<Store['tasks']>): ReturnType<Store['tasks']> {
    return this.#call('tasks', ...args);
  }

  bundle(...args: Parameters<Store['bundle']>): ReturnType<Store['bundle']> {
    return this.#call('bundle', ...args);
  }

  bundles(...args: Parameters<Store['bundles']>): ReturnType<Store['bundles']> {
    return this.#call('bundles', ...args);
  }

  audit(...args: Parameters<Store['audit']>): ReturnType<Store['audit']> {
    return this.#call('audit', ...args);
  }

  verifyAudit(): ReturnType<Store['verifyAudit']> {
    return this.#call('verifyAudit');
  }

  damage(): ReturnType<Store['damage']> {
    return this.#call('damage');
  }

  importArchive(...args: Parameters<Store['importArchive']>): ReturnType<Store['importArchive']> {
    return this.#call('importArchive', ...args);
  }

  /**
   * What was asked before is answered before, save a verification under way, which is rejected; then the file is closed
   * and the lock given up. May be called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      if (this.#end === null) await this.#call('close');
    } finally {
      await this.ended;
      await this.#lock.release();
    }
  }

  #call<Method extends Exclude<StoreMethod, 'load'>>(
    method: Method,
    ...args: Parameters<Store[Method]>
  ): Promise<Awaited<ReturnType<Store[Method]>>> {
    return this.#ask(method, args);
  }

  #ask<Result>(
    method: StoreMethod,
    args: readonly unknown[],
    take: (tasks: readonly Task[]) => void = () => {},
  ): Promise<Result> {
    if (this.#end !== null) return Promise.reject(this.#end);
    if (this.#closing !== null && method !== 'close') return Promise.reject(new Error('the store is closed'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      // Our own thread answers, with what SqlStore returned for this very method.
      this.#pending.set(id, { resolve: (result) => resolve(result as Result), reject, take });
      this.#worker.postMessage({ id, method, args });
    });
  }

  #settle(reply: StoreReply): void {
    const id = reply.type === 'opened' ? openingId : reply.id;
    const pending = this.#pending.get(id);
    if (reply.type === 'tasks') {
      pending?.take(reply.tasks);
      return;
    }
    this.#pending.delete(id);
    if (reply.type === 'failed') pending?.reject(errorOf(reply.failure));
    else pending?.resolve(reply.type === 'result' ? reply.result : null);
  }

  #fail(reason: string): void {
    this.#end ??= new OrchestratorError('environment', `The database's thread ended: ${reason}.`, {
      remedy: 'Restart the orchestrator: it continues from what is on disk.',
    });
    for (const pending of this.#pending.values()) pending.reject(this.#end);
    this.#pending.clear();
  }
}

function errorOf(failure: StoreFailure): Error {
  if (failure.code !== null) {
    const options = failure.remedy === undefined ? {} : { remedy: failure.remedy };
    return new OrchestratorError(failure.code, failure.message, options);
  }
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
