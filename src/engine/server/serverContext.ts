import type { HttpBindings } from '@hono/node-server';
import type { TaskId } from '../domain/ids.ts';
import type { Task, TaskSettings } from '../domain/task.ts';
import type { Engine } from '../engine.ts';
import type { TaskFeed } from '../inspection/taskFeed.ts';
import type { Admission } from './access/doorkeeper.ts';
import type { Tickets } from './access/tickets.ts';
import type { BoardStream } from './events/boardStream.ts';
import type { EventHub } from './events/eventHub.ts';
import type { Heartbeat } from './events/heartbeat.ts';
import type { Measurements } from './measurements.ts';
import { Problem } from './problem.ts';
import type { BoardProject } from './vibeKanban.ts';

/** What every route stands on. */
export interface ServerContext {
  readonly feed: TaskFeed;
  readonly project: BoardProject;
  readonly newTask: NewTaskRules;
  readonly tickets: Tickets;
  readonly hub: EventHub;
  readonly heartbeat: Heartbeat;
  readonly board: BoardStream;
  readonly measurements: Measurements;
  /** Values that must not leave this machine. */
  readonly secrets: () => readonly string[];
  /** Hears of defects that no answer can tell. */
  readonly report: (error: unknown) => void;
  /** How soon a client whose stream broke comes back. */
  readonly retryMs: number;
  readonly now: () => number;
}

/** How a task is created that comes over HTTP. */
export interface NewTaskRules {
  /** Where the request says nothing else. Asked for each time. */
  readonly defaults: () => TaskSettings;
  /** Throws an OrchestratorError for a task that cannot run here: before anything is recorded. */
  readonly check: (settings: TaskSettings) => Promise<void>;
}

/** hono's environment: Node's request and response, and who came in. */
export interface ServerEnv {
  Bindings: HttpBindings;
  Variables: {
    admission: Admission;
    /** Why it does not come in; null for whoever does. */
    refusal: Error | null | undefined;
  };
}

/** The engine and the task. Throws a problem when there is no such task. */
export async function taskOf(
  { feed }: Pick<ServerContext, 'feed'>,
  id: TaskId,
): Promise<{ readonly engine: Engine; readonly task: Task }> {
  const engine = await feed.engine();
  const task = feed.tasks.get(id) ?? (await engine.records.task(id));
  if (task === null) throw new Problem(404, 'unknown-task', `There is no task ${id}.`);
  return { engine, task };
}
