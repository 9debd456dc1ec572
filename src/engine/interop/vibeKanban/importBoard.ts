import { sealBundle } from '../../context/digest.ts';
import type { ImportedTask } from '../../domain/commands.ts';
import { taskIdOf } from '../../domain/ids.ts';
import type { TaskSettings } from '../../domain/task.ts';
import type { ImportingEngine } from '../../engine.ts';
import { OrchestratorError } from '../../ports/errors.ts';
import type { NewBundle } from '../../ports/store.ts';
import type { BoardPage, BoardProject, BoardSkip, BoardTask } from './board.ts';

/** What became of a task of the board; of a project that was not chosen nothing is told but its count. */
export type BoardOutcome =
  | { readonly type: 'imported' | 'known'; readonly task: BoardTask }
  | ({ readonly type: 'skipped' } & BoardSkip);

export interface BoardImport {
  readonly pages: AsyncIterable<BoardPage>;
  /** The projects whose tasks are taken. */
  readonly projects: readonly BoardProject[];
  readonly settings: TaskSettings;
  /** Epoch ms, for a task without a time. */
  readonly now: number;
  readonly dryRun: boolean;
}

/**
 * Takes the tasks of these projects over into the engine, a transaction for each page, and tells of each task. May be
 * repeated, and stopped between any two: what is here already stays as it is.
 */
export async function* importBoard(
  engine: Pick<ImportingEngine, 'records' | 'importTasks'>,
  { pages, projects, settings, now, dryRun }: BoardImport,
): AsyncGenerator<BoardOutcome, void> {
  const chosen = new Map(projects.map((project) => [project.id, project]));
  for await (const page of pages) {
    for (const skip of page.skipped)
      if (skip.projectId === null || chosen.has(skip.projectId)) yield { type: 'skipped', ...skip };
    const tasks = page.tasks.filter(({ projectId }) => chosen.has(projectId));
    const imported = tasks.flatMap((task) => {
      const project = chosen.get(task.projectId);
      return project === undefined ? [] : [importedTaskOf(task, project, settings, now)];
    });
    const fresh = dryRun ? await unknownOf(engine, tasks) : await take(engine, imported);
    for (const task of tasks) yield { type: fresh.has(task.id) ? 'imported' : 'known', task };
  }
}

async function take(
  engine: Pick<ImportingEngine, 'importTasks'>,
  imported: readonly { readonly task: ImportedTask; readonly bundle: NewBundle }[],
): Promise<ReadonlySet<string>> {
  if (imported.length === 0) return new Set();
  const result = await engine.importTasks(
    { type: 'import', tasks: imported.map(({ task }) => task) },
    imported.map(({ bundle }) => bundle),
  );
  if (result.type === 'rejected') throw new OrchestratorError('bad-input', result.message);
  return new Set(result.taskIds);
}

async function unknownOf(
  { records }: Pick<ImportingEngine, 'records'>,
  tasks: readonly BoardTask[],
): Promise<ReadonlySet<string>> {
  const known = await Promise.all(tasks.map(async ({ id }) => records.taskIdsWithPrefix(id, 1)));
  return new Set(tasks.filter((_, index) => known[index]?.length === 0).map(({ id }) => id));
}

function importedTaskOf(
  board: BoardTask,
  { id, name, repositoryPaths }: BoardProject,
  settings: TaskSettings,
  now: number,
): { readonly task: ImportedTask; readonly bundle: NewBundle } {
  const { title, description, status, parentAttempt, parentTask } = board;
  const { body, digest } = sealBundle({ type: 'request', format: 1, title, description });
  const taskId = taskIdOf(board.id);
  const createdAt = board.createdAt ?? board.updatedAt ?? now;
  return {
    task: {
      taskId,
      title,
      description,
      settings,
      requestDigest: digest,
      createdAt,
      updatedAt: board.updatedAt ?? createdAt,
      origin: {
        board: 'vibe-kanban',
        project: { id, name, repositoryPath: repositoryPaths[0] ?? '' },
        status,
        parentAttempt,
        parentTask: parentTask === null ? null : taskIdOf(parentTask),
      },
    },
    bundle: { digest, taskId, runId: null, stage: 'request', body },
  };
}
