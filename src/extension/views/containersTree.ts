import * as vscode from 'vscode';
import { slotPorts } from '../../engine/domain/allocation.ts';
import type { TaskModel } from '../../engine/inspection/taskFeed.ts';
import { SlotItem } from './slotItem.ts';

/** The three slots: who holds which, and since when. */
export class ContainersTree implements vscode.TreeDataProvider<SlotItem> {
  private readonly model: TaskModel;
  private readonly now: () => number;
  private readonly items = slotPorts.map((port) => new SlotItem(port));
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private isShown = false;

  constructor(model: TaskModel, now: () => number) {
    this.model = model;
    this.now = now;
  }

  /** Without an engine nothing is known of the slots: the view is then empty, and its welcome text says why. */
  show(isShown: boolean): void {
    this.isShown = isShown;
    this.refresh();
  }

  refresh(): void {
    this.changed.fire(undefined);
  }

  /** Whether any row shows an age. */
  get hasLeases(): boolean {
    const slots = this.model.slots();
    return slotPorts.some((port) => slots[port].type === 'leased');
  }

  getTreeItem(item: SlotItem): vscode.TreeItem {
    const slot = this.model.slots()[item.port];
    const task =
      slot.type === 'leased' || slot.type === 'releasing' ? this.model.get(slot.taskId) : undefined;
    item.show(slot, task, this.now());
    return item;
  }

  getChildren(item?: SlotItem): SlotItem[] {
    return item === undefined && this.isShown ? this.items : [];
  }

  dispose(): void {
    this.changed.dispose();
  }
}
