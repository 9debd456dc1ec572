import * as v from 'valibot';
import type { StageSettings, TaskSettings } from './domain/task.ts';

const minute = 60_000;

const stageDefaults: Readonly<Record<keyof TaskSettings['stages'], StageSettings>> = {
  specification: { model: null, maxTurns: 60, maxBudgetUsd: 3, timeoutMs: 30 * minute, allowedTools: [] },
  implementation: { model: null, maxTurns: 150, maxBudgetUsd: 10, timeoutMs: 60 * minute, allowedTools: [] },
  qa: { model: null, maxTurns: 60, maxBudgetUsd: 5, timeoutMs: 30 * minute, allowedTools: [] },
};

/** What holds where nothing else was said. */
export const defaultSettings: TaskSettings = {
  isolation: 'docker',
  baseBranch: null,
  testCommand: null,
  setupCommand: null,
  copyFiles: [],
  gates: [],
  maxQaRounds: 3,
  trustRepository: true,
  claudePath: null,
  image: null,
  stages: stageDefaults,
};

const positive = v.pipe(v.number(), v.minValue(0, 'must not be negative'));

const stageSchema = v.strictObject({
  model: v.exactOptional(v.nullable(v.string())),
  maxTurns: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1, 'must be at least 1'))),
  maxBudgetUsd: v.exactOptional(positive),
  timeoutMinutes: v.exactOptional(v.pipe(v.number(), v.minValue(0.01, 'must be more than 0'))),
  allowedTools: v.exactOptional(v.array(v.string())),
});

/**
 * A settings file, or the editor's settings: whatever differs from the defaults. Unknown keys are refused, so a
 * misspelt one does not silently mean nothing.
 */
export const settingsSchema = v.strictObject({
  isolation: v.exactOptional(v.picklist(['docker', 'process'])),
  baseBranch: v.exactOptional(v.nullable(v.string())),
  testCommand: v.exactOptional(v.nullable(v.string())),
  setupCommand: v.exactOptional(v.nullable(v.string())),
  copyFiles: v.exactOptional(v.array(v.string())),
  gates: v.exactOptional(v.array(v.picklist(['specification']))),
  maxQaRounds: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0, 'must not be negative'))),
  trustRepository: v.exactOptional(v.boolean()),
  claudePath: v.exactOptional(v.nullable(v.string())),
  image: v.exactOptional(v.nullable(v.string())),
  stages: v.exactOptional(
    v.strictObject({
      specification: v.exactOptional(stageSchema),
      implementation: v.exactOptional(stageSchema),
      qa: v.exactOptional(stageSchema),
    }),
  ),
});

export type SettingsInput = v.InferOutput<typeof settingsSchema>;

/** The defaults with these on top; later ones win, stage by stage and key by key. */
export function settingsFrom(...inputs: readonly SettingsInput[]): TaskSettings {
  return inputs.reduce<TaskSettings>((settings, { stages, ...rest }) => {
    const merged = { ...settings, ...rest };
    if (stages === undefined) return merged;
    const stage = (name: keyof TaskSettings['stages']): StageSettings => {
      const { timeoutMinutes, ...input } = stages[name] ?? {};
      return {
        ...settings.stages[name],
        ...input,
        ...(timeoutMinutes === undefined ? {} : { timeoutMs: Math.round(timeoutMinutes * minute) }),
      };
    };
    return {
      ...merged,
      stages: {
        specification: stage('specification'),
        implementation: stage('implementation'),
        qa: stage('qa'),
      },
    };
  }, defaultSettings);
}
