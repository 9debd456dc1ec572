import { leaseOf, maxExecuting, type SlotPort, slotPorts } from './allocation.ts';
import type { Decision } from './decision.ts';
import { leaseIdOf, type LeaseId, type TaskId } from './ids.ts';
import { placeIn, type QueueEntry } from './queue.ts';
import type { State } from './state.ts';

/**
 * The one gate to execution. Admits queued tasks, first come first served within a priority, while fewer than `atMost`
 * execute (two at the very most) and a slot can be had: the task's own lease, else a free slot, else the one idle for
 * longest is recycled.
 */
export function admit(decision: Decision, only: readonly TaskId[] | null, atMost: number): void {
  const cap = Math.min(atMost, maxExecuting);
  for (;;) {
    if (decision.state.allocation.executing.length >= cap) return;
    const next = foremost(decision.state, only);
    if (next === undefined) return;
    const slot = slotFor(decision, next.taskId);
    if (slot === null) return;
    decision.emit('task.admitted', next.taskId, slot);
  }
}

function foremost({ queue, tasks }: State, only: readonly TaskId[] | null): QueueEntry | undefined {
  if (only === null) return queue[0];
  let first = queue.length;
  for (const id of only) {
    const task = tasks.get(id);
    const place = task === undefined ? -1 : placeIn(queue, task);
    if (place !== -1 && place < first) first = place;
  }
  return queue[first];
}

function slotFor(
  decision: Decision,
  taskId: TaskId,
): { readonly port: SlotPort; readonly leaseId: LeaseId } | null {
  const { allocation } = decision.state;
  const own = leaseOf(allocation, taskId);
  if (own !== null) return own;
  const free = slotPorts.find((port) => allocation.slots[port].type === 'free');
  if (free !== undefined) return { port: free, leaseId: leaseIdOf(free, allocation.generation + 1) };
  // A slot on its way back is enough: recycling a second one would take a container from its reviewer for nothing.
  if (!slotPorts.some((port) => allocation.slots[port].type === 'releasing')) recycleLongestIdle(decision);
  return null;
}

function recycleLongestIdle(decision: Decision): void {
  const idle = slotPorts
    .map((port) => ({ port, slot: decision.state.allocation.slots[port] }))
    .flatMap(({ port, slot }) =>
      slot.type === 'leased' && slot.idleSince !== null
        ? [{ port, leaseId: slot.leaseId, taskId: slot.taskId, idleSince: slot.idleSince }]
        : [],
    )
    .toSorted((a, b) => a.idleSince - b.idleSince)[0];
  if (idle === undefined) return;
  decision.emit('lease.releasing', idle.taskId, {
    port: idle.port,
    leaseId: idle.leaseId,
    cause: 'needed-elsewhere',
  });
}

/** Gives up the task's lease, if it holds one. */
export function releaseLease(
  decision: Decision,
  taskId: TaskId,
  cause: 'final' | 'expired' | 'closing' | 'failed' | 'asked',
): void {
  const lease = leaseOf(decision.state.allocation, taskId);
  if (lease !== null) decision.emit('lease.releasing', taskId, { ...lease, cause });
}
