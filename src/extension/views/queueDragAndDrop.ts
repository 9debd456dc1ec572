import * as vscode from 'vscode';
import * as v from 'valibot';
import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { taskIdSchema } from '../../engine/protocol/taskSchema.ts';
import { viewIds } from '../contributions/ids.ts';
import type { Messages } from '../messages.ts';
import type { Session } from '../session.ts';
import { queueOf } from './queueOrder.ts';
import { TaskItem } from './taskItem.ts';
import type { TaskNode } from './tasksTree.ts';

/** What VS Code calls a drag within this tree; it wants it in small letters. */
const mimeType = `application/vnd.code.tree.${viewIds.tasks.toLowerCase()}`;

const draggedSchema = v.pipe(v.string(), v.parseJson(), v.array(taskIdSchema));

/** Carries out the new order. `place`: among the others of the queue. */
type Reorder = (queue: readonly Task[], moved: readonly TaskId[], place: number) => Promise<void>;

/** Queued tasks are dragged to where they should be in the queue. Any other drop is refused with what would work. */
export class QueueDragAndDrop implements vscode.TreeDragAndDropController<TaskNode> {
  readonly dragMimeTypes = [mimeType];
  readonly dropMimeTypes = [mimeType];
  private readonly session: Pick<Session, 'tasks'>;
  private readonly reorder: Reorder;
  private readonly messages: Pick<Messages, 'info' | 'error'>;

  constructor(session: Pick<Session, 'tasks'>, reorder: Reorder, messages: Pick<Messages, 'info' | 'error'>) {
    this.session = session;
    this.reorder = reorder;
    this.messages = messages;
  }

  handleDrag(nodes: readonly TaskNode[], data: vscode.DataTransfer): void {
    const ids = nodes.flatMap((node) => (node instanceof TaskItem ? [node.taskId] : []));
    if (ids.length > 0) data.set(mimeType, new vscode.DataTransferItem(JSON.stringify(ids)));
  }

  async handleDrop(target: TaskNode | undefined, data: vscode.DataTransfer): Promise<void> {
    try {
      const dragged = v.safeParse(draggedSchema, await data.get(mimeType)?.asString());
      const refusal = dragged.success ? await this.drop(dragged.output, target) : null;
      if (refusal !== null) this.messages.info(refusal);
    } catch (error) {
      this.messages.error(error);
    }
  }

  /** Why not, in a sentence; null when it was done. */
  private async drop(moved: readonly TaskId[], target: TaskNode | undefined): Promise<string | null> {
    const queue = queueOf(this.session.tasks.all());
    if (!moved.every((id) => queue.some((task) => task.id === id))) {
      return vscode.l10n.t(
        'Only tasks that wait in the queue can be dragged. What moves a task on is in its context menu.',
      );
    }
    const others = queue.filter(({ id }) => !moved.includes(id));
    const place = this.placeOf(target, queue, others);
    if (place === null)
      return vscode.l10n.t('Drop it on a queued task to take its place, or on "Queued" to go last.');
    await this.reorder(queue, moved, place);
    return null;
  }

  /** Null where nothing can be dropped. */
  private placeOf(
    target: TaskNode | undefined,
    queue: readonly Task[],
    others: readonly Task[],
  ): number | null {
    if (target === undefined) return null;
    if (!(target instanceof TaskItem)) return target.group === 'queued' ? others.length : null;
    const at = queue.findIndex(({ id }) => id === target.taskId);
    const own = queue[at];
    if (own === undefined) return null;
    const above = queue.slice(0, at);
    const othersAbove = above.filter((task) => others.includes(task)).length;
    // What comes from above pushes it up, what comes from below pushes it down.
    return others.includes(own) && othersAbove < above.length ? othersAbove + 1 : othersAbove;
  }
}
