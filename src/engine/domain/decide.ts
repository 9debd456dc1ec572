import { admit, releaseLease } from './admission.ts';
import { maxExecuting, slotPorts } from './allocation.ts';
import { assertNever } from './assertNever.ts';
import type { Command, PersonCommand, Rejection, ReportCommand } from './commands.ts';
import { decideImport } from './decideImport.ts';
import { decidePerson } from './decidePerson.ts';
import { decideReport } from './decideReport.ts';
import { Decision, reject, stale } from './decision.ts';
import type { DomainEvent } from './events.ts';
import type { State } from './state.ts';
import { isExecuting } from './task.ts';

/**
 * What a command leads to: events, or a refusal that changes nothing. Pure and total. `now` is epoch ms.
 * No events at all is an answer too: there was nothing to do.
 */
export function decide(state: State, command: Command, now: number): readonly DomainEvent[] | Rejection {
  const decision = new Decision(state, now);
  const rejection = apply(decision, command);
  return rejection ?? decision.events;
}

function apply(decision: Decision, command: Command): Rejection | null {
  switch (command.type) {
    case 'create':
    case 'approve':
    case 'advance':
    case 'retry':
    case 'send-back':
    case 'edit-specification':
    case 'set-priority':
    case 'change-settings':
    case 'release-container':
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'accept':
      return decidePerson(decision, command satisfies PersonCommand);
    case 'import':
      return decideImport(decision, command);
    case 'workspace-ready':
    case 'workspace-failed':
    case 'run-succeeded':
    case 'run-failed':
    case 'run-stopped':
    case 'wait-over':
    case 'merged':
    case 'merge-failed':
    case 'cleaned-up':
      return decideReport(decision, command satisfies ReportCommand);
    case 'admit':
      admit(decision, command.only, command.atMost ?? maxExecuting);
      return null;
    case 'close':
      closeIdleLeases(decision);
      return null;
    case 'lease-expired':
    case 'lease-released':
    case 'slot-recheck':
      return decideSlot(decision, command);
    default:
      return assertNever(command);
  }
}

function closeIdleLeases(decision: Decision): void {
  for (const port of slotPorts) {
    const slot = decision.state.allocation.slots[port];
    if (slot.type === 'leased' && slot.idleSince !== null) releaseLease(decision, slot.taskId, 'closing');
  }
}

/** Reports about leases and slots: they outlive the task that held them. */
function decideSlot(
  decision: Decision,
  command: Extract<ReportCommand, { type: 'lease-expired' | 'lease-released' | 'slot-recheck' }>,
): Rejection | null {
  const { slots } = decision.state.allocation;
  if (command.type === 'slot-recheck') {
    if (slots[command.port].type !== 'blocked') return stale;
    decision.emit('slot.unblocked', command.taskId, { port: command.port });
    return null;
  }
  const port = slotPorts.find((candidate) => {
    const slot = slots[candidate];
    return (slot.type === 'leased' || slot.type === 'releasing') && slot.leaseId === command.leaseId;
  });
  if (port === undefined) return stale;
  const slot = slots[port];
  if (command.type === 'lease-released') {
    if (slot.type !== 'releasing') return stale;
    decision.emit('lease.released', slot.taskId, { port, leaseId: command.leaseId });
    return null;
  }
  if (slot.type !== 'leased' || slot.idleSince === null) return stale;
  const task = decision.state.tasks.get(slot.taskId);
  if (task !== undefined && isExecuting(task)) return reject('stale', 'The lease is in use.');
  releaseLease(decision, slot.taskId, 'expired');
  return null;
}
