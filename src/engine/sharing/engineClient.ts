import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import type { Rejection } from '../domain/commands.ts';
import { failureCodes } from '../domain/outcome.ts';
import type { Engine, Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { type EngineRequest, protocolVersion, replySchema } from './engineProtocol.ts';

type Method = EngineRequest['method'];

/** The engine of the process that holds the storage, spoken to through its lock's socket. */
export class EngineClient implements Engine {
  readonly records: Records;
  private readonly socket: Socket;
  private readonly pending = new Map<
    number,
    { resolve(result: unknown): void; reject(error: Error): void }
  >();
  private lastId = 0;
  private ended: Error | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => this.settle(line));
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

  settled: Engine['settled'] = async (taskId) => {
    await this.call<null>('settled', { taskId });
  };

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
    const reply = v.parse(replySchema, JSON.parse(line));
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.type === 'result') pending?.resolve(reply.result);
    else pending?.reject(errorOf(reply.code, reply.message, reply.remedy));
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

function errorOf(code: string, message: string, remedy: string | null): Error {
  const known = [...failureCodes, 'bad-input' as const].find((candidate) => candidate === code);
  if (known === undefined) return new Error(message);
  return new OrchestratorError(known, message, remedy === null ? {} : { remedy });
}
