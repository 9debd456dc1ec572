import type { Activity } from './claude/activity.ts';
import type { Slots } from './domain/allocation.ts';
import type { RunId, TaskId } from './domain/ids.ts';
import type { Task } from './domain/task.ts';
import type { AuditRow } from './ports/store.ts';

/** What a listener hears, in the order it happened. */
export type Notice =
  /** Committed: the audit rows of one transition, the tasks it changed as they are now, and all slots. */
  | {
      readonly type: 'committed';
      readonly rows: readonly AuditRow[];
      readonly tasks: readonly Task[];
      readonly slots: Slots;
    }
  /** What an agent is doing; not kept. */
  | { readonly type: 'activity'; readonly taskId: TaskId; readonly runId: RunId; readonly activity: Activity }
  /** The engine cannot go on (the disk failed, the database worker died): nothing more will be committed. */
  | { readonly type: 'failed'; readonly error: unknown };
