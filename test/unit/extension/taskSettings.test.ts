import { describe, expect, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import {
  checked,
  engineSettingsFrom,
  taskSettingsFrom,
  variables,
} from '../../../src/extension/taskSettings.ts';

const defaults: Readonly<Record<string, unknown>> = {
  isolation: 'docker',
  claudePath: '',
  image: '',
  baseBranch: '',
  testCommand: '',
  setupCommand: '',
  copyFiles: [],
  useProjectRules: true,
  gates: [],
  maxQaRounds: 3,
  maxBudgetUsd: 0,
  'implementation.allowedTools': [],
  ...Object.fromEntries(
    Object.entries(defaultSettings.stages).flatMap(([name, stage]) => [
      [`${name}.model`, ''],
      [`${name}.maxTurns`, stage.maxTurns],
      [`${name}.maxBudgetUsd`, stage.maxBudgetUsd],
      [`${name}.timeoutMinutes`, stage.timeoutMs / 60_000],
    ]),
  ),
};

const settingsWith = (changes: Readonly<Record<string, unknown>>) =>
  taskSettingsFrom((key) => ({ ...defaults, ...changes })[key]);

test('each setting reaches the task', () => {
  const settings = settingsWith({
    isolation: 'process',
    testCommand: ' npm test ',
    gates: ['specification'],
    useProjectRules: false,
    'implementation.model': 'opus',
    'implementation.allowedTools': ['Bash(make *)'],
    'qa.timeoutMinutes': 1.5,
  });
  expect(settings).toEqual({
    ...defaultSettings,
    isolation: 'process',
    testCommand: 'npm test',
    gates: ['specification'],
    trustRepository: false,
    stages: {
      ...defaultSettings.stages,
      implementation: {
        ...defaultSettings.stages.implementation,
        model: 'opus',
        allowedTools: ['Bash(make *)'],
      },
      qa: { ...defaultSettings.stages.qa, timeoutMs: 90_000 },
    },
  });
});

describe('a setting that is not right is named', () => {
  test.each([
    ['isolation', 'none'],
    ['claudePath', 'bin/claude'],
    ['copyFiles', '.env'],
    ['maxQaRounds', -1],
    ['gates', ['qa']],
    ['testCommand', ['npm', 'test']],
    ['specification.maxTurns', 0],
    ['qa.timeoutMinutes', 'long'],
  ])('%s: %j', (key, value) => {
    const read = () => settingsWith({ [key]: value });
    expect(read).toThrow(`orchestrator.${key} is not right`);
    expect(read).toThrow(OrchestratorError);
  });
});

describe('the settings of the engine', () => {
  const engineDefaults = { dockerHost: '', maxConcurrentTasks: 2, keepTranscriptsDays: 90 };
  const engineWith = (changes: Readonly<Record<string, unknown>>) =>
    engineSettingsFrom((key) => ({ ...engineDefaults, ...changes })[key as keyof typeof engineDefaults]);

  test('reach it; no days means for good', () => {
    expect(
      engineWith({ dockerHost: ' unix:///run/docker.sock ', maxConcurrentTasks: 1, keepTranscriptsDays: 0 }),
    ).toEqual({ dockerHost: 'unix:///run/docker.sock', maxConcurrent: 1, keepTranscriptsDays: null });
  });

  test.each([
    ['maxConcurrentTasks', 3, 'at most 2'],
    ['maxConcurrentTasks', 0, 'at least 1'],
    ['maxConcurrentTasks', 1.5, 'whole number from 1 to 2'],
    ['maxConcurrentTasks', '2', 'whole number from 1 to 2'],
    ['keepTranscriptsDays', -1, 'at least 0'],
    ['keepTranscriptsDays', 1e9, 'at most 36500'],
    ['dockerHost', '/var/run/docker.sock', 'unix:///var/run/docker.sock'],
    ['dockerHost', 'ssh://elsewhere', 'must be an address'],
  ])('%s: %j is refused with what would be right', (key, value, words) => {
    expect(() => engineWith({ [key]: value })).toThrow(`orchestrator.${key} is not right`);
    expect(() => engineWith({ [key]: value })).toThrow(words);
  });

  test.each([
    [['A=b'], 'is no name of a variable'],
    [{ 'A B': 'c' }, '"A B" is no name of a variable'],
    [{ HOME: '/tmp' }, 'HOME is set by the engine'],
    [{ RETRIES: 3 }, 'every value must be text'],
    ['A=b', 'must be variables by name'],
  ])('the environment %j is refused with what is wrong', (value, words) => {
    expect(() => checked(() => value, 'environment', variables)).toThrow(words);
  });
});
