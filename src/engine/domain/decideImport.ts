import type { ImportCommand, ImportedTask, Rejection } from './commands.ts';
import { type Decision, reject } from './decision.ts';

/** All of them or, when one will not do, none. What is here already is left alone: an import may be repeated. */
export function decideImport(decision: Decision, { tasks }: ImportCommand): Rejection | null {
  for (const task of tasks) {
    const complaint = complaintAbout(task);
    if (complaint !== null)
      return reject('bad-input', `Task ${task.taskId} cannot be imported: ${complaint}.`);
  }
  const { now } = decision;
  for (const { taskId, createdAt, updatedAt, ...rest } of tasks) {
    if (decision.state.tasks.get(taskId) !== undefined) continue;
    decision.emit('task.imported', taskId, {
      ...rest,
      createdAt: Math.min(createdAt, now),
      updatedAt: Math.min(Math.max(createdAt, updatedAt), now),
    });
  }
  return null;
}

function complaintAbout({ title, createdAt, updatedAt }: ImportedTask): string | null {
  if (title.trim() === '') return 'it has no title';
  const areTimes = [createdAt, updatedAt].every((time) => Number.isSafeInteger(time) && time >= 0);
  return areTimes ? null : 'its times are none';
}
