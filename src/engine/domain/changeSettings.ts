import { releaseLease } from './admission.ts';
import type { Rejection } from './commands.ts';
import { type Decision, reject } from './decision.ts';
import { isExecuting, type Task, type TaskSettings } from './task.ts';

type SettingName = keyof TaskSettings;

/** What a worktree is made with: afterwards it is as it is. */
const ofTheWorktree: readonly SettingName[] = ['isolation', 'baseBranch', 'setupCommand', 'copyFiles'];

/** What a lease is made with: another one is needed when it changes. */
export const settingsOfTheLease: readonly SettingName[] = ['image', 'claudePath'];

/** The settings that cannot be changed now. */
export function fixedSettings(task: Task): readonly SettingName[] {
  if (isExecuting(task)) return [...ofTheWorktree, ...settingsOfTheLease];
  return task.worktree === null ? [] : ofTheWorktree;
}

/** A person's other settings for a task, for the runs that have not begun. Another image or Claude Code costs its container. */
export function changeSettings(decision: Decision, task: Task, settings: TaskSettings): Rejection | null {
  const isChanged = (name: SettingName): boolean =>
    JSON.stringify(settings[name]) !== JSON.stringify(task.settings[name]);
  const fixed = fixedSettings(task).find(isChanged);
  if (fixed !== undefined) {
    const why = settingsOfTheLease.includes(fixed)
      ? `"${task.title}" works with it (${task.phase.type}). Pause it first.`
      : `the worktree of "${task.title}" was made with it. Cancel the task and create another.`;
    return reject('not-now', `Cannot change ${fixed}: ${why}`);
  }
  if (!(Object.keys(settings) as SettingName[]).some(isChanged)) return null;
  decision.emit('task.settings-changed', task.id, { settings });
  if (settingsOfTheLease.some(isChanged)) releaseLease(decision, task.id, 'asked');
  return null;
}
