import type { BoardAction, BoardCard } from '../../../src/engine/protocol/board.ts';
import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { groupNames } from './groupNames.ts';

/** What dropping a card on a column comes to. */
export type Drop =
  | { readonly type: 'nothing' }
  | { readonly type: 'move'; readonly action: BoardAction }
  /** In a sentence: what is so, and what would work instead. */
  | { readonly type: 'refused'; readonly message: string };

const nextColumn = { specification: 'implementation', implementation: 'qa', qa: 'completed' } as const;

/** The move that a drop means, if the engine takes such a one now. Pure. */
export function dropMove(card: BoardCard, to: TaskGroup): Drop {
  if (card.group === to) return { type: 'nothing' };
  const action = meaning(card, to);
  if (action === null) return { type: 'refused', message: refusal(card, to) };
  if (card.actions.includes(action)) return { type: 'move', action };
  return {
    type: 'refused',
    message:
      card.actions.length === 0
        ? `“${card.title}” cannot be moved from here: this board is for reading only.`
        : refusal(card, to),
  };
}

function meaning(card: BoardCard, to: TaskGroup): BoardAction | null {
  const { phase, stage } = card;
  switch (phase) {
    case 'gate':
      return to === 'implementation' ? 'approve' : to === 'specification' ? 'send-back' : null;
    case 'attention':
      if (to === nextColumn[stage]) return 'advance';
      // What QA found goes to the implementation; any other stage is tried again.
      return to === stage ? 'retry' : stage === 'qa' && to === 'implementation' ? 'send-back' : null;
    case 'completed':
      return to === 'done' ? 'accept' : to === 'implementation' ? 'send-back' : null;
    case 'paused':
      return to === 'queued' ? 'resume' : null;
    case 'backoff':
    case 'parked':
      return to === 'queued' ? 'retry' : null;
    default:
      return null;
  }
}

function refusal({ title, phase, stage }: BoardCard, to: TaskGroup): string {
  const name = `“${title}”`;
  switch (phase) {
    case 'done':
    case 'cancelled':
      return `${name} is ${phase}: nothing more can happen to it.`;
    case 'merging':
      return `${name} is being merged: wait until it is done.`;
    default:
  }
  if (to === 'done') return `${name} is not completed, so it cannot be accepted. To give it up, cancel it.`;
  switch (phase) {
    case 'queued':
      return `${name} starts by itself when its turn comes: its place here is its place in the queue.`;
    case 'preparing':
    case 'running':
    case 'stopping':
      return `${name} is at work and moves on by itself. To stop it, pause or cancel it.`;
    case 'backoff':
    case 'parked':
      return `${name} goes on by itself. To try again now, drop it on ${groupNames.queued}.`;
    case 'paused':
      return `${name} is paused. To let it go on, drop it on ${groupNames.queued}.`;
    case 'gate':
      return `The specification of ${name} waits for you: drop it on ${groupNames.implementation} to approve it, or on ${groupNames.specification} to send it back.`;
    case 'attention':
      return `${name} is held up in ${groupNames[stage]}: drop it there to try again, or on ${groupNames[nextColumn[stage]]} to go on without.`;
    case 'completed':
      return `${name} is completed: drop it on ${groupNames.done} to accept it, or on ${groupNames.implementation} to send it back.`;
  }
}
