import { slotPorts, type Slots } from '../../domain/allocation.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Task } from '../../domain/task.ts';
import { totalCostUsd } from '../../domain/task.ts';
import { actionsOf } from '../../inspection/inspectorView.ts';
import { boardActions, type BoardAccess, type BoardAction, type BoardCard } from '../../protocol/board.ts';
import { groupOf } from '../../protocol/taskGroups.ts';
import { reasonOf } from '../../protocol/wire.ts';

/** A card is a glance; the whole is in the inspector. */
const longestTitle = 200;
const longestReason = 300;

/** A task as its card. `port`: of the slot it holds. */
export function cardOf(task: Task, port: number | null, access: BoardAccess): BoardCard {
  const { phase } = task;
  // The page tells the time of the next try as people there write it.
  const waits = phase.type === 'backoff' || phase.type === 'parked' ? phase : null;
  const reason = waits?.failure.message ?? reasonOf(task);
  const running = task.runs.findLast(({ status }) => status === 'running');
  return {
    id: task.id,
    title: shortened(task.title, longestTitle),
    group: groupOf(task),
    stage: task.stage,
    phase: phase.type,
    reason: reason === null ? null : shortened(reason, longestReason),
    until: waits?.until ?? null,
    attempt: task.runs.findLast(({ stage }) => stage === task.stage)?.attempt ?? null,
    runningSince: running?.startedAt ?? null,
    workedMs: task.runs.reduce((sum, run) => sum + ((run.completedAt ?? run.startedAt) - run.startedAt), 0),
    costUsd: totalCostUsd(task),
    port,
    baseBranch: task.worktree?.baseBranch ?? null,
    priority: task.priority,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
    actions: access === 'move' ? actionsOf(task, port).filter(isBoardAction) : [],
  };
}

/** Which tasks hold a slot, and its port. */
export function portsByTask(slots: Slots): ReadonlyMap<TaskId, number> {
  const ports = new Map<TaskId, number>();
  for (const port of slotPorts) {
    const slot = slots[port];
    if (slot.type === 'leased') ports.set(slot.taskId, port);
  }
  return ports;
}

export const isBoardAction = (action: string): action is BoardAction =>
  boardActions.some((each) => each === action);

function shortened(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
