import type { TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { plain, shortId } from './format.ts';

/** The task a person named by its id or a unique beginning of one. */
export async function findTask(records: Records, reference: string): Promise<Task> {
  const prefix = reference.trim().toLowerCase();
  const hint = { remedy: 'Run `orchestrator tasks` to see the tasks and their ids.' };
  if (!/^[0-9a-f-]{1,36}$/.test(prefix))
    throw new OrchestratorError('bad-input', `"${plain(reference, 60)}" is not a task id.`, hint);
  const ids = await records.taskIdsWithPrefix(prefix, 3);
  const [id] = ids;
  if (id === undefined) throw new OrchestratorError('bad-input', `There is no task ${prefix}.`, hint);
  if (ids.length > 1) {
    throw new OrchestratorError(
      'bad-input',
      `More than one task begins with ${prefix}: ${ids.map(shortId).join(', ')}.`,
      { remedy: 'Give more of the id.' },
    );
  }
  return knownTask(records, id);
}

/** A task that must be there. */
export async function knownTask(records: Records, id: TaskId): Promise<Task> {
  const task = await records.task(id);
  if (task === null) throw new OrchestratorError('internal', `The task ${id} is not in the database.`);
  return task;
}
