import { slotPorts, type SlotPort, type Slots } from '../engine/domain/allocation.ts';
import type { TaskId } from '../engine/domain/ids.ts';

/** The port of the slot that a task holds a lease on; null without one. */
export function heldPort(slots: Slots, taskId: TaskId): SlotPort | null {
  const port = slotPorts.find((candidate) => {
    const slot = slots[candidate];
    return slot.type === 'leased' && slot.taskId === taskId;
  });
  return port ?? null;
}
