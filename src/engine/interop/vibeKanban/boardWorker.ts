import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import { OrchestratorError } from '../../ports/errors.ts';
import type { BoardReply } from './boardProtocol.ts';
import { BoardReader } from './boardReader.ts';

// The entry of the thread that reads a foreign database: a file made to keep SQLite busy for ever keeps only this thread,
// which can be ended.

const location = v.strictObject({ directory: v.string(), name: v.string(), wasmPath: v.string() });

async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('boardWorker must run as a worker thread');
  const reply = (message: BoardReply): void => port.postMessage(message);
  const attempt = (work: () => BoardReply): void => {
    try {
      reply(work());
    } catch (error) {
      reply(failureOf(error));
    }
  };
  try {
    const reader = await BoardReader.open(v.parse(location, workerData));
    const pages = reader.pages();
    port.on('message', () => {
      attempt(() => ({ type: 'page', page: pages.next().value ?? null }));
    });
    attempt(() => ({ type: 'opened', projects: reader.projects() }));
  } catch (error) {
    reply(failureOf(error));
  }
}

function failureOf(error: unknown): BoardReply {
  const isInput = OrchestratorError.is(error, 'bad-input');
  return {
    type: 'failed',
    isInput,
    message: error instanceof Error ? error.message : String(error),
    ...(isInput && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  };
}

void serve();
