import * as vscode from 'vscode';
import { maxExecuting } from '../../engine/domain/allocation.ts';
import { reorder } from '../commands/priority.ts';
import { engineSettings, onDidChangeSetting, scopeOf } from '../config.ts';
import { commandIds, contextKeys, settingKeys, viewIds } from '../contributions/ids.ts';
import type { Messages } from '../messages.ts';
import type { Session } from '../session.ts';
import { ContainersTree } from './containersTree.ts';
import { tickMs } from './elapsed.ts';
import { askForFilter } from './filterInput.ts';
import { QueueDragAndDrop } from './queueDragAndDrop.ts';
import { StatusBar } from './statusBar.ts';
import { degradedMessage, stateKey, waitingForPerson, waitingSummary } from './summary.ts';
import { TasksTree } from './tasksTree.ts';
import { Ticker } from './ticker.ts';
import type { TreeSelection } from './treeSelection.ts';

/** Both trees, the status bar item, the badge, the filter, and the context keys that choose a welcome text. */
export function registerViews(
  context: vscode.ExtensionContext,
  session: Session,
  messages: Messages,
  selection: TreeSelection,
): vscode.Disposable {
  const tasks = new TasksTree(session.tasks, Date.now);
  const containers = new ContainersTree(session.tasks, Date.now);
  const tasksView = vscode.window.createTreeView(viewIds.tasks, {
    treeDataProvider: tasks,
    canSelectMany: true,
    dragAndDropController: new QueueDragAndDrop(
      session,
      (queue, moved, place) => reorder(session, queue, moved, place),
      messages,
    ),
    showCollapseAll: true,
  });
  selection.follow(() => tasksView.selection);
  const containersView = vscode.window.createTreeView(viewIds.containers, { treeDataProvider: containers });
  const statusBar = new StatusBar();
  const keys = new ContextKeys();
  let filter = '';
  let atMost = concurrency(session);

  const ticker = new Ticker(tickMs, () => {
    if (tasksView.visible) tasks.tick();
    if (containersView.visible) containers.refresh();
  });
  const isOpen = (): boolean => session.state.type === 'driving' || session.state.type === 'following';

  /** What is said of all tasks together. */
  const summarize = (): void => {
    const counts = tasks.counts();
    const waiting = waitingForPerson(counts);
    tasksView.badge = waiting === 0 ? undefined : { value: waiting, tooltip: waitingSummary(counts) };
    // A message hides the welcome text, which says more as long as there are no tasks.
    const isTold = session.state.type === 'failed' || tasks.size > 0;
    const message = (isTold ? degradedMessage(session.state, tasks.heldUp()) : undefined) ?? '';
    if (message !== (tasksView.message ?? '')) tasksView.message = message;
    statusBar.show(session.state, counts, atMost);
    keys.set(contextKeys.state, stateKey(session.state));
    keys.set(contextKeys.hasTasks, tasks.size > 0);
    const shows = tasksView.visible || containersView.visible;
    ticker.run(shows && (tasks.hasExecuting || (containersView.visible && containers.hasLeases)));
  };

  const filterBy = (text: string): void => {
    filter = text;
    const isFiltered = tasks.setFilter(text);
    tasksView.description = isFiltered ? text : '';
    keys.set(contextKeys.filtered, isFiltered);
  };

  const onVisible = ({ visible }: vscode.TreeViewVisibilityChangeEvent): void => {
    // Whoever looks at the tasks wants them. What is in the way shows as the session's state.
    if (visible) void session.engine().catch(() => undefined);
    if (visible) tasks.tick();
    summarize();
  };

  containers.show(isOpen());
  keys.set(contextKeys.filtered, false);
  summarize();
  if (tasksView.visible || containersView.visible) onVisible({ visible: true });
  const registered = vscode.Disposable.from(
    ticker,
    tasksView,
    containersView,
    tasks,
    containers,
    statusBar,
    tasksView.onDidChangeVisibility(onVisible),
    containersView.onDidChangeVisibility(onVisible),
    session.onDidChangeState(() => {
      // The folder is known by now, and it may have a setting of its own.
      atMost = concurrency(session);
      tasks.reload();
      containers.show(isOpen());
      summarize();
    }),
    session.tasks.onDidChange((changed) => {
      tasks.update(changed);
      containers.refresh();
      summarize();
    }),
    onDidChangeSetting((affects) => {
      if (!affects(settingKeys.maxConcurrentTasks)) return;
      atMost = concurrency(session);
      summarize();
    }),
    vscode.commands.registerCommand(commandIds.filterTasks, () => askForFilter(filter, filterBy)),
    vscode.commands.registerCommand(commandIds.clearFilter, () => filterBy('')),
  );
  context.subscriptions.push(registered);
  return registered;
}

/** What is wrong with the setting is told by whoever works by it. */
function concurrency(session: Session): number {
  try {
    return engineSettings(scopeOf(session)).maxConcurrent;
  } catch {
    return maxExecuting;
  }
}

/** Sets only what changed: each is a message to the window. */
class ContextKeys {
  private readonly values = new Map<string, string | boolean>();

  set(key: string, value: string | boolean): void {
    if (this.values.get(key) === value) return;
    this.values.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
