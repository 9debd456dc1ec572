import { leaseOf, maxExecuting, type SlotPort, slotPorts } from './allocation.ts';
import type { Decision } from './decision.ts';
import { leaseIdOf, type LeaseId, type TaskId } from './ids.ts';

/**
 * The one gate to execution. Admits queued tasks, first come first served within a priority, while fewer than `atMost`
 * execute (two at the very most) and a slot can be had: the task's own lease, else a free slot, else the one idle for
 * longest is recycled.
 */
export function admit(decision: Decision, only: readonly TaskId[] | null, atMost: number): void {
  const cap = Math.min(atMost, maxExecuting);
  for (;;) {
    const { allocation } = decision.state;
    const next = allocation.queue.find((entry) => only === null || only.includes(entry.taskId));
    if (next === undefined || allocation.executing.length >= cap) return;
    const slot = slotFor(decision, next.taskId);
    if (slot === null) return;
    decision.emit('task.admitted', next.taskId, slot);
  }
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
