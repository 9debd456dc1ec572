import type { LeaseId, TaskId } from './ids.ts';

/** Host ports of the three slots; a slot's container listens on 8080 inside. */
export const slotPorts = [8081, 8082, 8083] as const;

export type SlotPort = (typeof slotPorts)[number];

/** At most this many tasks execute at once, whatever starts them. */
export const maxExecuting = 2;

export type Slot =
  | { readonly type: 'free' }
  | {
      readonly type: 'leased';
      readonly leaseId: LeaseId;
      readonly taskId: TaskId;
      /** Epoch ms since which its task does not execute; null while it does. */
      readonly idleSince: number | null;
    }
  | { readonly type: 'releasing'; readonly leaseId: LeaseId; readonly taskId: TaskId }
  /** The port belongs to a program of someone else's. */
  | { readonly type: 'blocked'; readonly holder: string; readonly until: number };

export type Slots = Readonly<Record<SlotPort, Slot>>;

/** Who executes, and who holds which slot. */
export interface Allocation {
  readonly slots: Slots;
  /** Number of leases ever made: the next lease's generation. */
  readonly generation: number;
  readonly executing: readonly TaskId[];
}

export const emptyAllocation: Allocation = {
  slots: { 8081: { type: 'free' }, 8082: { type: 'free' }, 8083: { type: 'free' } },
  generation: 0,
  executing: [],
};

/** The slot a task holds a lease on, if any. */
export function leaseOf(
  allocation: Allocation,
  taskId: TaskId,
): { readonly port: SlotPort; readonly leaseId: LeaseId } | null {
  for (const port of slotPorts) {
    const slot = allocation.slots[port];
    if (slot.type === 'leased' && slot.taskId === taskId) return { port, leaseId: slot.leaseId };
  }
  return null;
}
