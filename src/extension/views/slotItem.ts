import * as vscode from 'vscode';
import type { Slot, SlotPort } from '../../engine/domain/allocation.ts';
import type { Task } from '../../engine/domain/task.ts';
import { slotDescription, slotIcon, slotLabel } from './slotLabels.ts';

/** A slot's row in the tree; what a command from its menu is given. */
export class SlotItem extends vscode.TreeItem {
  readonly port: SlotPort;

  constructor(port: SlotPort) {
    super(slotLabel(port), vscode.TreeItemCollapsibleState.None);
    this.port = port;
    this.id = `slot.${port}`;
  }

  /** Takes over how the slot is now, with the task that holds it, where it is known. */
  show(slot: Slot, task: Task | undefined, now: number): void {
    const { icon, color } = slotIcon(slot);
    const description = slotDescription(slot, this.port, task, now);
    this.description = description;
    this.contextValue =
      slot.type === 'leased' && slot.idleSince !== null ? 'slot.leased.idle' : `slot.${slot.type}`;
    this.iconPath = new vscode.ThemeIcon(icon, color === null ? undefined : new vscode.ThemeColor(color));
    this.accessibilityInformation = { label: `${slotLabel(this.port)}, ${description}` };
    // A string is shown as it is: no Markdown in the words of others.
    this.tooltip = `${slotLabel(this.port)}: ${description}`;
  }
}
