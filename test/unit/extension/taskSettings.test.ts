import { describe, expect, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { taskSettingsFrom } from '../../../src/extension/taskSettings.ts';

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
