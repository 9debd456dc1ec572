import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';
import type { AuditVerdict } from '../ports/store.ts';
import { SqlStore } from './sqlStore.ts';
import { openingId } from './storeProtocol.ts';
import type { StoreFailure, StoreReply, StoreRequest } from './storeProtocol.ts';

// The entry of the thread that owns the database: SQLite's I/O is synchronous, and an fsync may take 20 ms.

const options = v.strictObject({
  directory: v.string(),
  repositoryPath: v.string(),
  projectName: v.string(),
  wasmPath: v.string(),
});

function failureOf(error: unknown): StoreFailure {
  return {
    code: error instanceof OrchestratorError ? error.code : null,
    message: error instanceof Error ? error.message : String(error),
    remedy: error instanceof OrchestratorError ? error.remedy : undefined,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

function perform(store: SqlStore, request: StoreRequest, reply: (message: StoreReply) => void): unknown {
  switch (request.method) {
    case 'load':
      for (const tasks of store.openTasks()) reply({ type: 'tasks', id: request.id, tasks });
      return store.loadWithoutTasks();
    case 'commit':
      return store.commit(...request.args);
    case 'task':
      return store.task(...request.args);
    case 'taskIdsWithPrefix':
      return store.taskIdsWithPrefix(...request.args);
    case 'tasks':
      return store.tasks(...request.args);
    case 'bundle':
      return store.bundle(...request.args);
    case 'bundles':
      return store.bundles(...request.args);
    case 'audit':
      return store.audit(...request.args);
    case 'verifyAudit':
      return verify(store);
    case 'damage':
      return store.damage();
    case 'importArchive':
      return store.importArchive(...request.args);
    case 'close':
      store.close();
      return null;
  }
}

/** Lets commits in between: hashing a long trail takes seconds. */
async function verify(store: SqlStore): Promise<AuditVerdict> {
  const steps = store.auditVerification();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('storeWorker must run as a worker thread');
  const reply = (message: StoreReply): void => port.postMessage(message);
  try {
    const store = await SqlStore.open(v.parse(options, workerData));
    port.on('message', (request: StoreRequest) => {
      void Promise.resolve()
        .then(() => perform(store, request, reply))
        .then(
          (result) => reply({ type: 'result', id: request.id, result }),
          (error: unknown) => reply({ type: 'failed', id: request.id, failure: failureOf(error) }),
        )
        .finally(() => {
          if (request.method === 'close') port.close();
        });
    });
    reply({ type: 'opened' });
  } catch (error) {
    reply({ type: 'failed', id: openingId, failure: failureOf(error) });
    port.close();
  }
}

void serve();
