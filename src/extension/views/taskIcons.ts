import type { Phase } from '../../engine/domain/task.ts';
import type { TaskGroup } from '../../engine/protocol/taskGroups.ts';

/** A codicon and a theme colour: no two states share a shape, so that no state is told by colour alone. */
export interface IconName {
  readonly icon: string;
  readonly color: string | null;
}

export const phaseIcons: Readonly<Record<Phase['type'], IconName>> = {
  queued: { icon: 'clock', color: null },
  preparing: { icon: 'loading~spin', color: 'charts.blue' },
  running: { icon: 'sync~spin', color: 'charts.blue' },
  stopping: { icon: 'debug-stop', color: 'charts.orange' },
  gate: { icon: 'checklist', color: 'charts.yellow' },
  backoff: { icon: 'history', color: 'charts.orange' },
  parked: { icon: 'watch', color: 'charts.orange' },
  attention: { icon: 'warning', color: 'list.warningForeground' },
  paused: { icon: 'debug-pause', color: null },
  completed: { icon: 'pass', color: 'testing.iconPassed' },
  merging: { icon: 'git-merge', color: 'charts.blue' },
  done: { icon: 'check-all', color: 'testing.iconPassed' },
  cancelled: { icon: 'circle-slash', color: 'disabledForeground' },
};

export const groupIcons: Readonly<Record<TaskGroup, string>> = {
  queued: 'inbox',
  specification: 'book',
  implementation: 'code',
  qa: 'beaker',
  'needs-you': 'bell',
  completed: 'git-pull-request',
  done: 'archive',
};
