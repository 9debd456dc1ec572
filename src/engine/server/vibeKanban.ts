import { createHash } from 'node:crypto';
import { statusOf, type Task } from '../domain/task.ts';
import type { BoardTask, ListedBoardTask, Project } from '../protocol/serverApi.ts';
import { isoTime } from '../protocol/wire.ts';

/** What a board of Vibe Kanban's calls a project: here it is the repository. */
export interface BoardProject {
  readonly id: string;
  readonly name: string;
  readonly path: string;
}

/** The same id each time, for the same storage: a UUID of the kind that is made from a name (version 8). */
export function projectIdOf(storage: string): string {
  const hex = createHash('sha256').update(`project ${storage}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function projectOf({ id, name, path }: BoardProject, tasks: readonly Task[]): Project {
  // Newest first, and a storage begins with its first task.
  const created = isoTime(tasks.at(-1)?.createdAt ?? 0);
  return {
    id,
    name,
    git_repo_path: path,
    setup_script: null,
    dev_script: null,
    cleanup_script: null,
    copy_files: null,
    created_at: created,
    updated_at: created,
  };
}

export function boardTaskOf(task: Task, projectId: string): BoardTask {
  return {
    id: task.id,
    project_id: projectId,
    title: task.title,
    description: task.description === '' ? null : task.description,
    status: statusOf(task),
    parent_task_attempt: null,
    created_at: isoTime(task.createdAt),
    updated_at: isoTime(task.updatedAt),
  };
}

export function listedTaskOf(task: Task, projectId: string): ListedBoardTask {
  return {
    ...boardTaskOf(task, projectId),
    has_in_progress_attempt: ['preparing', 'running', 'stopping'].includes(task.phase.type),
    has_merged_attempt: task.phase.type === 'done' && task.phase.strategy !== 'none',
    last_attempt_failed: task.phase.type === 'attention',
  };
}
