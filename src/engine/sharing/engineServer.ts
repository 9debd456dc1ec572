import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { assertNever } from '../domain/assertNever.ts';
import type { Engine } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { type EngineReply, type EngineRequest, protocolVersion, requestSchema } from './engineProtocol.ts';

/** Answers other processes of the same user that found the storage held by this one. */
export class EngineServer {
  private readonly engine: Promise<Engine>;
  private readonly connections = new Set<Socket>();
  private closing = false;

  /** `engine` resolves when this process has finished opening; a connection made before waits for it. */
  constructor(engine: Promise<Engine>) {
    this.engine = engine;
  }

  accept(socket: Socket): void {
    if (this.closing) {
      // It tries again, and finds the storage free.
      socket.destroy();
      return;
    }
    this.connections.add(socket);
    socket.on('close', () => this.connections.delete(socket));
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => {
      void answer(line, this.engine).then((reply) => {
        if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
      });
    });
  }

  /** Takes no one new, and lets those who are connected finish; resolves when all have left, or when `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.closing = true;
    const left = [...this.connections].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    if (!signal.aborted) await Promise.race([Promise.all(left), aborted]);
    for (const socket of this.connections) socket.destroy();
  }
}

async function answer(line: string, engine: Promise<Engine>): Promise<EngineReply> {
  let id = 0;
  try {
    const request = v.parse(requestSchema, JSON.parse(line));
    id = request.id;
    return { type: 'result', id, result: (await carryOut(request, await engine)) ?? null };
  } catch (error) {
    const known = OrchestratorError.is(error) ? error : null;
    const message = error instanceof Error ? error.message : String(error);
    return { type: 'error', id, code: known?.code ?? 'internal', message, remedy: known?.remedy ?? null };
  }
}

function carryOut(request: EngineRequest, engine: Engine): Promise<unknown> {
  const { records } = engine;
  switch (request.method) {
    case 'hello':
      return Promise.resolve({ version: protocolVersion });
    case 'dispatch':
      return engine.dispatch(request.params.command, request.params.bundles);
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
    default:
      return assertNever(request);
  }
}
