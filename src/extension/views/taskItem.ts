import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { commandIds } from '../contributions/ids.ts';
import { phaseIcons } from './taskIcons.ts';
import { taskAccessibleLabel, taskDescription, taskLabel } from './taskLabels.ts';

/** A task's row in the tree; what a command from its menu is given. One object for as long as the row is known. */
export class TaskItem extends vscode.TreeItem {
  readonly taskId: TaskId;

  constructor(task: Task) {
    super(taskLabel(task), vscode.TreeItemCollapsibleState.None);
    this.taskId = task.id;
    this.id = `task.${task.id}`;
    this.command = { command: commandIds.openInspector, title: '', arguments: [task.id] };
  }

  /** Takes over how the task is now. `hasContainer`: menus offer what needs one. */
  show(task: Task, hasContainer: boolean, now: number): void {
    const { icon, color } = phaseIcons[task.phase.type];
    this.description = taskDescription(task, now);
    this.iconPath = new vscode.ThemeIcon(icon, color === null ? undefined : new vscode.ThemeColor(color));
    this.contextValue = `task.${task.phase.type}${hasContainer ? '.container' : ''}`;
    this.accessibilityInformation = { label: taskAccessibleLabel(task, now) };
    // Asked for anew when the pointer rests on it.
    this.tooltip = undefined;
  }
}
