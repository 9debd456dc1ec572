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
  maxBudgetUsd: null,
  trustRepository: true,
  claudePath: null,
  image: null,
  stages: stageDefaults,
};

/** Whole, and no more than what a number holds exactly: the database takes nothing else. */
const whole = v.pipe(v.number(), v.safeInteger('must be a whole number'));

/** A timer of more than 24 days would go off at once; a stage that needs a day is stuck. */
const dayMinutes = 24 * 60;

/** In US dollars: less buys no request. */
export const leastBudgetUsd = 0.01;

const budget = v.pipe(
  v.number(),
  v.finite('must be finite'),
  v.minValue(leastBudgetUsd, `must be at least ${leastBudgetUsd}`),
);

const stageFields = {
  model: v.exactOptional(v.nullable(v.string())),
  maxTurns: v.exactOptional(v.pipe(whole, v.minValue(1, 'must be at least 1'))),
  maxBudgetUsd: v.exactOptional(budget),
  timeoutMinutes: v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(0.01, 'must be at least 0.01'),
      v.maxValue(dayMinutes, `must be at most ${dayMinutes}`),
    ),
  ),
  allowedTools: v.exactOptional(v.array(v.string())),
};

const stageSchema = v.strictObject(stageFields);

const taskFields = {
  isolation: v.exactOptional(v.picklist(['docker', 'process'])),
  baseBranch: v.exactOptional(v.nullable(v.string())),
  testCommand: v.exactOptional(v.nullable(v.string())),
  setupCommand: v.exactOptional(v.nullable(v.string())),
  copyFiles: v.exactOptional(v.array(v.string())),
  gates: v.exactOptional(v.array(v.picklist(['specification']))),
  maxQaRounds: v.exactOptional(v.pipe(whole, v.minValue(0, 'must not be negative'))),
  maxBudgetUsd: v.exactOptional(v.nullable(budget)),
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
};

/** The schema's parts, for a face that lets not everyone choose everything. */
export const settingsFields = { task: taskFields, stage: stageFields } as const;

/**
 * A settings file, or the editor's settings: whatever differs from the defaults. Unknown keys are refused, so a
 * misspelt one does not silently mean nothing.
 */
export const settingsSchema = v.strictObject(taskFields);

export type SettingsInput = v.InferOutput<typeof settingsSchema>;

/** The defaults with these on top; later ones win, stage by stage and key by key. */
export function settingsFrom(...inputs: readonly SettingsInput[]): TaskSettings {
  return settingsOn(defaultSettings, ...inputs);
}

/** The same on top of other settings than the defaults. */
export function settingsOn(base: TaskSettings, ...inputs: readonly SettingsInput[]): TaskSettings {
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
  }, base);
}

/** Settings as a settings file has them, none left out. */
export function settingsFileOf({ stages, ...rest }: TaskSettings): Required<SettingsInput> {
  const stage = (name: keyof TaskSettings['stages']): v.InferOutput<typeof stageSchema> => {
    const { timeoutMs, allowedTools, ...limits } = stages[name];
    return { ...limits, timeoutMinutes: timeoutMs / minute, allowedTools: [...allowedTools] };
  };
  return {
    ...rest,
    copyFiles: [...rest.copyFiles],
    gates: [...rest.gates],
    stages: {
      specification: stage('specification'),
      implementation: stage('implementation'),
      qa: stage('qa'),
    },
  };
}

export interface SettingChange {
  /** Its place in a settings file: `testCommand`, `stages.qa.maxTurns`. */
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What is different in `after`. */
export function settingChanges(before: TaskSettings, after: TaskSettings): readonly SettingChange[] {
  const [old, now] = [before, after].map((settings) => new Map(leavesOf('', settingsFileOf(settings))));
  return [...(now ?? [])]
    .map(([name, value]) => ({ name, before: old?.get(name), after: value }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

/** The settings with these changes, checked. */
export function settingsWith(
  base: TaskSettings,
  changes: readonly Pick<SettingChange, 'name' | 'after'>[],
): TaskSettings {
  const inputs = changes.map(({ name, after }) =>
    v.parse(
      settingsSchema,
      name.split('.').reduceRight<unknown>((value, key) => ({ [key]: value }), after),
    ),
  );
  return settingsOn(base, ...inputs);
}

function leavesOf(place: string, value: object): (readonly [name: string, value: unknown])[] {
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? leavesOf(`${place}${key}.`, each)
      : [[`${place}${key}`, each] as const],
  );
}
