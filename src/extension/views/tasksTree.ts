import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import type { TaskModel } from '../../engine/inspection/taskFeed.ts';
import { heldPort } from '../heldPort.ts';
import { groupIcons } from './taskIcons.ts';
import { type TaskCounts, GroupedTasks } from '../../engine/inspection/groupedTasks.ts';
import { taskFilter } from '../../engine/inspection/taskFilter.ts';
import { type TaskGroup, taskGroups } from '../../engine/protocol/taskGroups.ts';
import { TaskItem } from './taskItem.ts';
import { countLabel, groupLabel } from './taskLabels.ts';
import { taskTooltip } from './taskTooltip.ts';

/** Rows under a group at once: every open row crosses to the window at each refresh. The rest is a level deeper. */
const pageSize = 100;

/** No transition changes more: it is the whole list, read anew. */
const mostDeltas = 100;

class GroupItem extends vscode.TreeItem {
  readonly group: TaskGroup;

  constructor(group: TaskGroup) {
    super(groupLabel(group));
    this.group = group;
    this.contextValue = `group.${group}`;
    this.iconPath = new vscode.ThemeIcon(groupIcons[group]);
  }

  show(shown: number, total: number): void {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const count = countLabel(shown, total);
    this.description = count;
    this.accessibilityInformation = { label: vscode.l10n.t('{0}, {1} tasks', groupLabel(this.group), count) };
    // VS Code keeps a row of the same id closed as it was while it was empty: its first task would come unseen.
    this.id = shown === 0 ? `group.${this.group}.empty` : `group.${this.group}`;
    // What is over is rarely looked for, and grows without end.
    this.collapsibleState = shown === 0 ? None : this.group === 'done' ? Collapsed : Expanded;
  }
}

/** A page of a long group, closed until someone looks for it. */
class PageItem extends vscode.TreeItem {
  readonly group: TaskGroup;
  readonly from: number;

  constructor(group: TaskGroup, from: number, count: number) {
    super(
      vscode.l10n.t('{0} to {1}', from + 1, Math.min(from + pageSize, count)),
      vscode.TreeItemCollapsibleState.Collapsed,
    );
    this.group = group;
    this.from = from;
    this.id = `page.${group}.${from}`;
    this.contextValue = 'page';
    this.iconPath = new vscode.ThemeIcon('ellipsis');
  }
}

export type TaskNode = GroupItem | PageItem | TaskItem;

/**
 * Tasks by stage. Groups are kept by deltas, rows are made when they are first shown, and a change refreshes the rows and
 * groups it touched and nothing else.
 */
export class TasksTree implements vscode.TreeDataProvider<TaskNode> {
  private readonly model: TaskModel;
  private readonly now: () => number;
  private readonly grouped = new GroupedTasks();
  /** The list that `grouped` was last made of as a whole. */
  private loaded: readonly Task[] = [];
  private readonly groupItems = new Map(taskGroups.map((group) => [group, new GroupItem(group)]));
  /** Of the rows that were shown. */
  private readonly taskItems = new Map<TaskId, TaskItem>();
  private readonly changed = new vscode.EventEmitter<TaskNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;

  constructor(model: TaskModel, now: () => number) {
    this.model = model;
    this.now = now;
    this.reload();
  }

  /** Reads everything anew, unless it is what was read last: another storage, or the first look at it. */
  reload(): void {
    const all = this.model.all();
    if (all === this.loaded) return;
    this.loaded = all;
    this.grouped.replaceAll(all);
    this.taskItems.clear();
    this.changed.fire(undefined);
  }

  update(tasks: readonly Task[]): void {
    if (tasks.length > mostDeltas) {
      this.reload();
      return;
    }
    const { groups, rows, isStructural } = this.grouped.update(tasks);
    const nodes: TaskNode[] = [...groups].flatMap((group) => this.groupItems.get(group) ?? []);
    for (const id of rows) {
      const item = this.refreshItem(id);
      if (item !== null) nodes.push(item);
    }
    // A row that is still known under its old group cannot come under another one: the tree refuses an id it has.
    if (isStructural) this.changed.fire(undefined);
    else if (nodes.length > 0) this.changed.fire(nodes);
  }

  /** Time passed: rows of what executes show it. */
  tick(): void {
    const nodes = this.grouped.executing().flatMap((id) => this.refreshItem(id) ?? []);
    if (nodes.length > 0) this.changed.fire(nodes);
  }

  get hasExecuting(): boolean {
    return this.grouped.executing().length > 0;
  }

  /** Shows only tasks with every word of the text; '' shows all. Returns whether anything is filtered now. */
  setFilter(text: string): boolean {
    const filter = taskFilter(text);
    this.grouped.setFilter(filter);
    this.changed.fire(undefined);
    return filter !== null;
  }

  counts(): TaskCounts {
    return this.grouped.counts();
  }

  get size(): number {
    return this.grouped.size;
  }

  /** See `GroupedTasks.heldUp`. */
  heldUp(): readonly Task[] {
    return this.grouped.heldUp();
  }

  getTreeItem(node: TaskNode): vscode.TreeItem {
    if (node instanceof GroupItem)
      node.show(this.grouped.rows(node.group).length, this.grouped.total(node.group));
    return node;
  }

  getChildren(node?: TaskNode): TaskNode[] {
    if (node === undefined) return this.grouped.size === 0 ? [] : [...this.groupItems.values()];
    if (node instanceof TaskItem) return [];
    const rows = this.grouped.rows(node.group);
    const from = node instanceof PageItem ? node.from : 0;
    const items: TaskNode[] = rows.slice(from, from + pageSize).map((task) => this.itemOf(task));
    if (node instanceof GroupItem)
      for (let next = pageSize; next < rows.length; next += pageSize)
        items.push(new PageItem(node.group, next, rows.length));
    return items;
  }

  resolveTreeItem(item: vscode.TreeItem, node: TaskNode): vscode.TreeItem {
    const task = node instanceof TaskItem ? this.grouped.get(node.taskId) : undefined;
    // Neither trusted nor with HTML: text of agents must not become a command link.
    if (task !== undefined) item.tooltip = new vscode.MarkdownString(taskTooltip(task, this.now()));
    return item;
  }

  dispose(): void {
    this.changed.dispose();
  }

  private itemOf(task: Task): TaskItem {
    const item = this.taskItems.get(task.id) ?? new TaskItem(task);
    this.taskItems.set(task.id, item);
    item.show(task, this.hasApp(task), this.now());
    return item;
  }

  /** Whether something could answer on its slot's port. */
  private hasApp(task: Task): boolean {
    return task.settings.isolation === 'docker' && heldPort(this.model.slots(), task.id) !== null;
  }

  /** Null for a row that was never shown. */
  private refreshItem(id: TaskId): TaskItem | null {
    const task = this.grouped.get(id);
    const item = this.taskItems.get(id);
    if (task === undefined || item === undefined) return null;
    item.show(task, this.hasApp(task), this.now());
    return item;
  }
}
