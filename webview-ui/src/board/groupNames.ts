import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';

/** The columns as the sidebar calls its groups. */
export const groupNames: Readonly<Record<TaskGroup, string>> = {
  queued: 'Queued',
  specification: 'Specification',
  implementation: 'Implementation',
  qa: 'QA',
  'needs-you': 'Needs You',
  completed: 'Completed',
  done: 'Done',
};
