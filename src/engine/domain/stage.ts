/** The three stages a task passes, in their order. */
export const stages = ['specification', 'implementation', 'qa'] as const;

export type Stage = (typeof stages)[number];

/** The stage after this one; null after the last. */
export function nextStage(stage: Stage): Stage | null {
  return stages[stages.indexOf(stage) + 1] ?? null;
}
