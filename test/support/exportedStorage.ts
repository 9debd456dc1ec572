import { sealBundle } from '../../src/engine/context/digest.ts';
import { type TaskId, taskIdOf } from '../../src/engine/domain/ids.ts';
import { type ArchiveSummary, exportArchive } from '../../src/engine/interop/exportArchive.ts';
import type { NewBundle } from '../../src/engine/ports/store.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { EngineOnStorage } from './importingEngine.ts';
import { temporaryDirectory } from './storeFixtures.ts';
import { boardId } from './vibeKanbanBoard.ts';

/** All audit rows. */
export const everything = { after: 0, limit: 100_000 };

/** Exports a storage. */
export function write(
  of: EngineOnStorage,
  path: string,
  interrupted = new AbortController().signal,
): Promise<ArchiveSummary> {
  const repository = { path: '/repository', name: 'Repository' };
  return exportArchive(path, { records: of.engine.records, repository, now: 1_800_000_000_000, interrupted });
}

/** Creates task number so and so. */
export async function create(of: EngineOnStorage, number: number, title = `Task ${number}`): Promise<TaskId> {
  const taskId = taskIdOf(boardId(number));
  const { body, digest } = sealBundle({ type: 'request', format: 1, title, description: `größer ${number}` });
  const rejection = await of.service.dispatch(
    {
      type: 'create',
      taskId,
      title,
      description: `größer ${number}`,
      priority: 0,
      settings: defaultSettings,
      requestDigest: digest,
    },
    [{ digest, taskId, runId: null, stage: 'request', body }],
  );
  if (rejection !== null) throw new Error(rejection.message);
  return taskId;
}

/** Reports the outcome of the task's open effect: its workspace, then a specification. */
async function runSpecification(of: EngineOnStorage, taskId: TaskId): Promise<void> {
  const prepare = [...of.effects.open.values()].find((effect) => effect.taskId === taskId);
  if (prepare?.type !== 'prepare') throw new Error('the task is not being prepared');
  await of.service.report({
    type: 'workspace-ready',
    taskId,
    leaseId: prepare.leaseId,
    worktree: { path: '/w', branch: 'orchestrator/0000-x', baseBranch: 'main', baseCommit: 'base' },
    containerPort: 8081,
  });
  const run = of.service.task(taskId)?.runs.at(-1);
  if (run === undefined) throw new Error('no run');
  const { body, digest } = sealBundle({
    type: 'specification',
    format: 1,
    markdown: `# Spec of ${taskId}`,
    criteria: [{ id: 'AC-1', text: 'It works.' }],
    openQuestions: [],
    files: [],
    risks: [],
  });
  const bundle: NewBundle = { digest, taskId, runId: run.id, stage: 'specification', body };
  await of.service.report(
    {
      type: 'run-succeeded',
      taskId,
      runId: run.id,
      outputDigest: digest,
      sessionId: 's',
      costUsd: 0.5,
      cliVersion: '2',
      commit: 'c',
    },
    [bundle],
  );
}

/** A storage with a task that runs, one that waits, one that ended, and one that was kept for later. */
export async function storage(): Promise<{ readonly of: EngineOnStorage; readonly directory: string }> {
  const directory = await temporaryDirectory();
  const of = await EngineOnStorage.open(directory);
  const running = await create(of, 1);
  await create(of, 2);
  await create(of, 3);
  const ended = await create(of, 4);
  const kept = await create(of, 5);
  await runSpecification(of, running);
  await of.service.dispatch({ type: 'cancel', taskId: ended });
  await of.service.dispatch({ type: 'pause', taskId: kept });
  return { of, directory };
}
