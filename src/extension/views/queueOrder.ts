import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { GroupedTasks } from '../../engine/inspection/groupedTasks.ts';

/** What decides on a task's place in the queue: its priority, and among equals its age. */
export type Rank = Pick<Task, 'id' | 'priority' | 'createdAt'>;

/** The queued tasks in the order of admission. */
export function queueOf(tasks: readonly Task[]): readonly Task[] {
  const grouped = new GroupedTasks();
  grouped.replaceAll(tasks.filter(({ phase }) => phase.type === 'queued'));
  return grouped.rows('queued');
}

/**
 * Priorities that bring `moved`, in the order they have, before the one at `place` of the others, or to the end: either
 * what goes before is lifted or what goes behind is lowered, whichever changes fewer tasks.
 */
export function reordered(
  queue: readonly Rank[],
  moved: readonly TaskId[],
  place: number,
): readonly Pick<Rank, 'id' | 'priority'>[] {
  const isMoved = ({ id }: Rank): boolean => moved.includes(id);
  const rest = queue.filter((rank) => !isMoved(rank));
  const wanted = [...rest.slice(0, place), ...queue.filter(isMoved), ...rest.slice(place)];
  const changesOf = (priorities: readonly number[]): readonly Pick<Rank, 'id' | 'priority'>[] =>
    wanted.flatMap(({ id, priority }, index) => {
      const next = priorities[index] ?? priority;
      return next === priority ? [] : [{ id, priority: next }];
    });
  const lift = changesOf(lifted(wanted, isMoved));
  const lower = changesOf(lowered(wanted, isMoved));
  return lift.length <= lower.length ? lift : lower;
}

/** From the last on: each gets at least what brings it before the one behind it, and what was moved no more than that. */
function lifted(wanted: readonly Rank[], isMoved: (rank: Rank) => boolean): readonly number[] {
  const priorities: number[] = [];
  for (const [offset, rank] of wanted.toReversed().entries()) {
    const index = wanted.length - 1 - offset;
    const behind = wanted[index + 1];
    if (behind === undefined) priorities[index] = rank.priority;
    else {
      const least = (priorities[index + 1] ?? 0) + (isOlder(rank, behind) ? 0 : 1);
      priorities[index] = isMoved(rank) ? least : Math.max(rank.priority, least);
    }
  }
  return priorities;
}

/** From the first on: each gets at most what keeps it behind the one before it, and what was moved no less than that. */
function lowered(wanted: readonly Rank[], isMoved: (rank: Rank) => boolean): readonly number[] {
  const priorities: number[] = [];
  for (const [index, rank] of wanted.entries()) {
    const before = wanted[index - 1];
    if (before === undefined) priorities.push(rank.priority);
    else {
      const most = (priorities[index - 1] ?? 0) - (isOlder(before, rank) ? 0 : 1);
      priorities.push(isMoved(rank) ? most : Math.min(rank.priority, most));
    }
  }
  return priorities;
}

/** Of one priority it goes first: those of the same moment have no order that both sides agree on. */
const isOlder = (one: Rank, other: Rank): boolean => one.createdAt < other.createdAt;
