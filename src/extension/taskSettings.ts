import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { complaintOfVariable } from '../engine/claude/environment.ts';
import { maxExecuting } from '../engine/domain/allocation.ts';
import type { TaskSettings } from '../engine/domain/task.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import { leastBudgetUsd, settingsFrom, settingsSchema } from '../engine/settings.ts';
import { configurationSection, type SettingKey, settingKeys } from './contributions/ids.ts';

/** Reads one setting as it is: whatever the person, or a hostile repository, wrote. */
export type ReadSetting = (key: SettingKey) => unknown;

/** An empty text stands for "not set". */
const optionalText = v.pipe(
  v.string('must be text'),
  v.transform((text) => (text.trim() === '' ? null : text.trim())),
);
export const absolutePath = v.pipe(
  optionalText,
  v.check((path) => path === null || isAbsolute(path), 'must be an absolute path'),
);
export const address = v.pipe(
  optionalText,
  v.check((text) => text === null || /^https?:\/\/\S+$/.test(text), 'must be an http or https address'),
);

const dockerAddress = v.pipe(
  optionalText,
  v.check(
    (text) => text === null || /^(unix|npipe|tcp|https?):\/\/\S+$/.test(text),
    'must be an address like unix:///var/run/docker.sock or tcp://127.0.0.1:2375',
  ),
);

/** Variables by name, as text. */
export const variables = v.pipe(
  v.record(v.string(), v.string('every value must be text'), 'must be variables by name'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const name of Object.keys(dataset.value)) {
      const complaint = complaintOfVariable(name);
      if (complaint !== null) addIssue({ message: complaint });
    }
  }),
);

/** How the engine of a window works, whatever task it works on. */
export interface EngineSettings {
  /** null: the engine that the `docker` command uses. */
  readonly dockerHost: string | null;
  readonly maxConcurrent: number;
  /** null: for good. */
  readonly keepTranscriptsDays: number | null;
}

/** A century: what a clock can still count. */
const mostDays = 36_500;

const wholeBetween = (least: number, most: number) =>
  v.pipe(
    v.number(`must be a whole number from ${least} to ${most}`),
    v.integer(`must be a whole number from ${least} to ${most}`),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

export function engineSettingsFrom(read: ReadSetting): EngineSettings {
  const days = checked(read, settingKeys.keepTranscriptsDays, wholeBetween(0, mostDays));
  return {
    dockerHost: checked(read, settingKeys.dockerHost, dockerAddress),
    maxConcurrent: checked(read, settingKeys.maxConcurrentTasks, wholeBetween(1, maxExecuting)),
    keepTranscriptsDays: days === 0 ? null : days,
  };
}

/** How the local server of a window works. */
export interface EventServerSettings {
  /** It starts with the engine. */
  readonly enabled: boolean;
  /** 0: a free one. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
}

const highestPort = 65_535;

export function eventServerSettingsFrom(read: ReadSetting): EventServerSettings {
  return {
    enabled: checked(read, settingKeys.eventServerEnabled, v.boolean('must be true or false')),
    port: checked(read, settingKeys.eventServerPort, wholeBetween(0, highestPort)),
    allowedOrigins: checked(
      read,
      settingKeys.eventServerAllowedOrigins,
      v.array(v.string('must be addresses'), 'must be a list of addresses'),
    ),
  };
}

/** What a task gets that is created under these settings. */
export function taskSettingsFrom(read: ReadSetting): TaskSettings {
  const stage = (name: 'specification' | 'implementation' | 'qa'): object => ({
    model: checked(read, `${name}.model`, optionalText),
    maxTurns: checked(read, `${name}.maxTurns`, stageOf.maxTurns),
    maxBudgetUsd: checked(read, `${name}.maxBudgetUsd`, stageOf.maxBudgetUsd),
    timeoutMinutes: checked(read, `${name}.timeoutMinutes`, stageOf.timeoutMinutes),
  });
  const { entries } = settingsSchema;
  const input = v.parse(settingsSchema, {
    isolation: checked(read, settingKeys.isolation, entries.isolation),
    claudePath: checked(read, settingKeys.claudePath, absolutePath),
    image: checked(read, settingKeys.image, optionalText),
    baseBranch: checked(read, settingKeys.baseBranch, optionalText),
    testCommand: checked(read, settingKeys.testCommand, optionalText),
    setupCommand: checked(read, settingKeys.setupCommand, optionalText),
    copyFiles: checked(read, settingKeys.copyFiles, entries.copyFiles),
    trustRepository: checked(read, settingKeys.useProjectRules, entries.trustRepository),
    gates: checked(read, settingKeys.gates, entries.gates),
    maxQaRounds: checked(read, settingKeys.maxQaRounds, entries.maxQaRounds),
    maxBudgetUsd: checked(read, settingKeys.maxBudget, taskBudget),
    stages: {
      specification: stage('specification'),
      implementation: {
        ...stage('implementation'),
        allowedTools: checked(read, settingKeys.implementationAllowedTools, stageOf.allowedTools),
      },
      qa: stage('qa'),
    },
  });
  return settingsFrom(input);
}

/** 0 stands for "no limit". */
const taskBudget = v.pipe(
  v.number('must be a number'),
  v.check(
    (usd) => usd === 0 || (Number.isFinite(usd) && usd >= leastBudgetUsd),
    `must be 0 or at least ${leastBudgetUsd}`,
  ),
  v.transform((usd) => (usd === 0 ? null : usd)),
);

const stageOf = settingsSchema.entries.stages.wrapped.entries.specification.wrapped.entries;

/** One setting, validated. Throws `bad-input` naming it. */
export function checked<Schema extends v.GenericSchema>(
  read: ReadSetting,
  key: SettingKey,
  schema: Schema,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, read(key));
  if (result.success) return result.output;
  throw new OrchestratorError(
    'bad-input',
    `The setting ${configurationSection}.${key} is not right: ${result.issues.map(({ message }) => message).join('; ')}.`,
    { remedy: 'Correct it in the settings.' },
  );
}
