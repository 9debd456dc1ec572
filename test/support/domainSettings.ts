import type { TaskSettings } from '../../src/engine/domain/task.ts';
import { defaultSettings } from '../../src/engine/settings.ts';

/** Those of every task that is played. */
export const settings: TaskSettings = { ...defaultSettings, isolation: 'process', testCommand: 'true' };

/** One of the kinds of change there are: to limits, to what a lease is made with, to what a worktree is made with. */
export function otherSettings(pick: number, number: number): TaskSettings {
  const others: readonly TaskSettings[] = [
    { ...settings, maxQaRounds: 1 },
    { ...settings, gates: ['specification'] },
    { ...settings, maxBudgetUsd: 2 },
    { ...settings, image: `image-${number}` },
    { ...settings, isolation: 'docker' },
  ];
  return others[pick % others.length] ?? settings;
}
