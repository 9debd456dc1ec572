import type { Socket } from 'node:net';
import * as v from 'valibot';
import type { Rejection } from '../domain/commands.ts';
import type { Slots } from '../domain/allocation.ts';
import type { Engine, ImportingEngine, Records } from '../engine.ts';
import type { Notice } from '../notice.ts';
import { OrchestratorError } from '../ports/errors.ts';
import {
  type EngineRequest,
  errorOfShared,
  noticeOfShared,
  protocolVersion,
  replySchema,
  subscribedSchema,
} from './engineProtocol.ts';
import { onLines } from './lines.ts';

type Method = EngineRequest['method'];

/** The engine of the process that holds the storage, spoken to through its lock's socket. */
export class EngineClient implements ImportingEngine {
  readonly records: Records;
  /** Resolves, with why, when the holder went away or this client was closed. */
  readonly gone: Promise<Error>;
  private readonly socket: Socket;
  private readonly pending = new Map<
    number,
    { resolve(result: unknown): void; reject(error: Error): void }
  >();
  private lastId = 0;
  private ended: Error | null = null;
  private listener: ((notice: Notice) => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.gone = new Promise((resolve) => {
      socket.on('close', () => resolve(this.ended ?? wentAway('it closed')));
    });
    onLines(socket, (line) => this.settle(line));
    socket.on('error', (error) => this.fail(error.message));
    socket.on('close', () => this.fail('it closed'));
    this.records = {
      task: (taskId) => this.call('task', { taskId }),
      taskIdsWithPrefix: (prefix, limit) => this.call('taskIdsWithPrefix', { prefix, limit }),
      tasks: (page) => this.call('tasks', page),
      bundle: (digest) => this.call('bundle', { digest }),
      bundles: (taskId) => this.call('bundles', { taskId }),
      audit: (query) => this.call('audit', query),
      verifyAudit: () => this.call('verifyAudit', {}),
      damage: () => this.call('damage', {}),
    };
  }

  /** Takes over a connected socket; refuses a holder of another release. */
  static async attach(socket: Socket): Promise<EngineClient> {
    const client = new EngineClient(socket);
    const { version } = await client.call<{ readonly version: number }>('hello', {
      version: protocolVersion,
    });
    if (version === protocolVersion) return client;
    await client.close();
    throw new OrchestratorError(
      'environment',
      'The storage is in use by another release of the orchestrator.',
      {
        remedy: 'Close that one first.',
      },
    );
  }

  dispatch: Engine['dispatch'] = async (command, bundles) => {
    const rejection = await this.call<Rejection | null>('dispatch', { command, bundles });
    if (rejection?.code === 'stale') throw wentAway('it was closing');
    return rejection;
  };

  importTasks: ImportingEngine['importTasks'] = async (command, bundles) => {
    const result = await this.call<Awaited<ReturnType<ImportingEngine['importTasks']>>>('importTasks', {
      command,
      bundles,
    });
    if (result.type === 'rejected' && result.code === 'stale') throw wentAway('it was closing');
    return result;
  };

  importArchive: ImportingEngine['importArchive'] = (path) => this.call('importArchive', { path });

  settled: Engine['settled'] = async (taskId) => {
    await this.call<null>('settled', { taskId });
  };

  /**
   * Every notice of the holder from now on, in order; resolves with the slots. Notices may come before it resolves, and
   * those are then the newer ones. Once.
   */
  async subscribe(listener: (notice: Notice) => void): Promise<Slots> {
    this.listener = listener;
    return v.parse(subscribedSchema, await this.call('subscribe', {})).slots;
  }

  close(): Promise<void> {
    this.ended ??= new Error('closed by us');
    this.socket.destroy();
    return Promise.resolve();
  }

  private call<Result>(method: Method, params: object): Promise<Result> {
    if (this.ended !== null) return Promise.reject(this.ended);
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      // `hello` made sure that the holder is of this protocol version, so its result has this method's type.
      this.pending.set(id, { resolve: (result) => resolve(result as Result), reject });
      this.socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  private settle(line: string): void {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), replySchema), line);
    if (!parsed.success) {
      // Of no release we know. Whoever waits is told, and the connection is over.
      this.socket.destroy(new Error(`it sent what cannot be read (${v.summarize(parsed.issues)})`));
      return;
    }
    const reply = parsed.output;
    if (reply.type === 'notice') {
      this.listener?.(noticeOfShared(reply.notice));
      return;
    }
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.type === 'result') pending?.resolve(reply.result);
    else pending?.reject(errorOfShared(reply));
  }

  private fail(why: string): void {
    this.ended ??= wentAway(why);
    for (const { reject } of this.pending.values()) reject(this.ended);
    this.pending.clear();
  }
}

/** The cause of the error that says so. */
export const holderGone = Symbol('holder gone');

function wentAway(why: string): OrchestratorError {
  return new OrchestratorError('environment', `The orchestrator that holds the storage went away: ${why}.`, {
    remedy: 'Run the command again.',
    cause: holderGone,
  });
}
