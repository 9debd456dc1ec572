import type { TaskSettings } from '../../src/engine/domain/task.ts';

/** Those of every task that is played. */
export const settings: TaskSettings = {
  isolation: 'process',
  baseBranch: null,
  testCommand: 'true',
  setupCommand: null,
  copyFiles: [],
  gates: [],
  maxQaRounds: 3,
  maxBudgetUsd: null,
  trustRepository: true,
  claudePath: null,
  image: null,
  stages: {
    specification: { model: null, maxTurns: 40, maxBudgetUsd: 3, timeoutMs: 1_800_000, allowedTools: [] },
    implementation: { model: null, maxTurns: 100, maxBudgetUsd: 10, timeoutMs: 3_600_000, allowedTools: [] },
    qa: { model: null, maxTurns: 60, maxBudgetUsd: 5, timeoutMs: 1_800_000, allowedTools: [] },
  },
};

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
