import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { assertNever } from '../domain/assertNever.ts';
import type { Engine } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { type EngineReply, type EngineRequest, protocolVersion, requestSchema } from './engineProtocol.ts';

/**
 * Answers another process of the same user that found the storage held by this one. `engine` resolves when this process
 * has finished opening; a connection made before waits for it.
 */
export function serveEngine(socket: Socket, engine: Promise<Engine>): void {
  socket.on('error', () => socket.destroy());
  const lines = createInterface({ input: socket, crlfDelay: Infinity });
  lines.on('line', (line) => {
    void answer(line, engine).then((reply) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
    });
  });
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
