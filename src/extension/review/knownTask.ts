import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';

/** The task, with the engine open. Throws `bad-input` for one that this storage does not have. */
export async function knownTask(session: Session, taskId: TaskId): Promise<Task> {
  const { records } = await session.engine();
  const task = session.tasks.get(taskId) ?? (await records.task(taskId));
  if (task !== null) return task;
  throw new OrchestratorError('bad-input', `There is no task ${taskId} in this folder.`, {
    remedy: 'Choose one from the Tasks view.',
  });
}
