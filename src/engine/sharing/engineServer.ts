import type { Socket } from 'node:net';
import * as v from 'valibot';
import { assertNever } from '../domain/assertNever.ts';
import type { ImportingEngine } from '../engine.ts';
import type { Notice } from '../notice.ts';
import type { OrchestratorService } from '../orchestratorService.ts';
import {
  type EngineReply,
  type EngineRequest,
  protocolVersion,
  requestSchema,
  sharedError,
  sharedNotice,
} from './engineProtocol.ts';
import { onLines } from './lines.ts';

/** An engine of this process, as others are let in to it. */
export interface SharedEngine extends ImportingEngine {
  readonly service: Pick<OrchestratorService, 'subscribe' | 'slots'>;
}

/** A follower that lies this far behind hears no more of what agents are doing, which is not kept anyway. */
const activityBacklog = 256 * 1024;

/** One that lies this far behind is let go: it connects anew and reads what it missed. */
const longestBacklog = 32 * 1024 * 1024;

/** Answers other processes of the same user that found the storage held by this one. */
export class EngineServer {
  private readonly engine: Promise<SharedEngine>;
  private readonly connections = new Set<Connection>();
  private closing = false;

  /** `engine` resolves when this process has finished opening; a connection made before waits for it. */
  constructor(engine: Promise<SharedEngine>) {
    this.engine = engine;
  }

  accept(socket: Socket): void {
    if (this.closing) {
      // It tries again, and finds the storage free.
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.engine);
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
  }

  /**
   * Takes no one new, and lets those who asked for something finish; followers, who would stay, are let go. Resolves when
   * all have left, or when `signal` aborts.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.closing = true;
    const left = [...this.connections].map((connection) => connection.leave());
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    if (!signal.aborted) await Promise.race([Promise.all(left), aborted]);
    for (const { socket } of this.connections) socket.destroy();
  }
}

class Connection {
  readonly socket: Socket;
  private readonly engine: Promise<SharedEngine>;
  private unanswered = 0;
  private unsubscribe: (() => void) | null = null;
  private leaving = false;

  constructor(socket: Socket, engine: Promise<SharedEngine>) {
    this.socket = socket;
    this.engine = engine;
    socket.on('close', () => this.unsubscribe?.());
    socket.on('error', () => socket.destroy());
    onLines(socket, (line) => {
      this.unanswered += 1;
      void this.answer(line).then((reply) => {
        this.unanswered -= 1;
        this.send(reply);
        if (this.leaving) void this.leave();
      });
    });
  }

  /** Resolves when the other side has left; a follower that waits for nothing is let go at once. */
  leave(): Promise<void> {
    this.leaving = true;
    const left = this.socket.closed
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    if (this.unsubscribe !== null && this.unanswered === 0) this.socket.destroySoon();
    return left;
  }

  private send(reply: EngineReply | { readonly type: 'notice'; readonly notice: object }): void {
    if (!this.socket.destroyed) this.socket.write(`${JSON.stringify(reply)}\n`);
  }

  private async answer(line: string): Promise<EngineReply> {
    let id = 0;
    try {
      const request = v.parse(requestSchema, JSON.parse(line));
      id = request.id;
      const engine = await this.engine;
      const result =
        request.method === 'subscribe' ? this.subscribe(engine) : await carryOut(request, engine);
      return { type: 'result', id, result: result ?? null };
    } catch (error) {
      return { type: 'error', id, ...sharedError(error) };
    }
  }

  /** The slots as they are now; every notice from now on follows. */
  private subscribe({ service }: SharedEngine): object {
    if (!this.socket.destroyed) this.unsubscribe ??= service.subscribe((notice) => this.pass(notice));
    return { slots: service.slots() };
  }

  private pass(notice: Notice): void {
    const backlog = this.socket.writableLength;
    if (backlog > longestBacklog) this.socket.destroy();
    else if (notice.type !== 'activity' || backlog <= activityBacklog)
      this.send({ type: 'notice', notice: sharedNotice(notice) });
  }
}

function carryOut(
  request: Exclude<EngineRequest, { method: 'subscribe' }>,
  engine: ImportingEngine,
): Promise<unknown> {
  const { records } = engine;
  switch (request.method) {
    case 'hello':
      return Promise.resolve({ version: protocolVersion });
    case 'dispatch':
      return engine.dispatch(request.params.command, request.params.bundles);
    case 'importTasks':
      return engine.importTasks(request.params.command, request.params.bundles);
    case 'importArchive':
      return engine.importArchive(request.params.path);
    case 'settled':
      return engine.settled(request.params.taskId);
    case 'task':
      return records.task(request.params.taskId);
    case 'taskIdsWithPrefix':
      return records.taskIdsWithPrefix(request.params.prefix, request.params.limit);
    case 'tasks':
      return records.tasks(request.params);
    case 'bundle':
      return records.bundle(request.params.digest);
    case 'bundles':
      return records.bundles(request.params.taskId);
    case 'audit':
      return records.audit(request.params);
    case 'verifyAudit':
      return records.verifyAudit();
    case 'damage':
      return records.damage();
    default:
      return assertNever(request);
  }
}
