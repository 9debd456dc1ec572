import { l10n } from 'vscode';
import { assertNever } from '../../engine/domain/assertNever.ts';
import type { Slot, SlotPort } from '../../engine/domain/allocation.ts';
import type { Task } from '../../engine/domain/task.ts';
import { formatElapsed, inSlotSince } from './elapsed.ts';
import { plainLine } from './markdownText.ts';
import { clockTime, stageLabel, taskLabel } from './taskLabels.ts';
import type { IconName } from './taskIcons.ts';

export function slotLabel(port: SlotPort): string {
  return l10n.t('Port {0}', port);
}

/** The slot's state, task and age. `task` is the one that holds it, where it is known. `now` in epoch ms. */
export function slotDescription(slot: Slot, port: SlotPort, task: Task | undefined, now: number): string {
  const title = task === undefined ? [] : [taskLabel(task)];
  switch (slot.type) {
    case 'free':
      return l10n.t('free');
    case 'leased': {
      const since = task === undefined ? null : inSlotSince(task, port);
      return [
        ...title,
        ...(task === undefined ? [] : [stageLabel(task.stage)]),
        slot.idleSince === null
          ? l10n.t('in use')
          : l10n.t('idle for {0}', formatElapsed(now - slot.idleSince)),
        ...(since === null ? [] : [l10n.t('{0} old', formatElapsed(now - since))]),
      ].join(' · ');
    }
    case 'releasing':
      return [...title, l10n.t('being released')].join(' · ');
    case 'blocked':
      return l10n.t(
        'blocked: {0} Looked at again at {1}.',
        plainLine(slot.holder, 200),
        clockTime(slot.until, now),
      );
    default:
      return assertNever(slot);
  }
}

/** Shapes differ, so that the colour only underlines. */
export function slotIcon(slot: Slot): IconName {
  switch (slot.type) {
    case 'free':
      return { icon: 'circle-large-outline', color: 'disabledForeground' };
    case 'leased':
      return slot.idleSince === null
        ? { icon: 'vm-running', color: 'charts.blue' }
        : { icon: 'vm-outline', color: null };
    case 'releasing':
      return { icon: 'loading~spin', color: null };
    case 'blocked':
      return { icon: 'error', color: 'list.errorForeground' };
    default:
      return assertNever(slot);
  }
}
