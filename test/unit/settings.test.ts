import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  settingChanges,
  settingsFileOf,
  settingsFrom,
  settingsOn,
  settingsSchema,
  settingsWith,
} from '../../src/engine/settings.ts';

describe('settings', () => {
  it('are the documented defaults where nothing is said', () => {
    expect(settingsFrom()).toEqual(defaultSettings);
    const minutes = Object.values(defaultSettings.stages).map(({ timeoutMs }) => timeoutMs / 60_000);
    expect(minutes).toEqual([30, 60, 30]);
    expect(defaultSettings).toMatchObject({ isolation: 'docker', maxQaRounds: 3, gates: [] });
  });

  it('are merged stage by stage and key by key, the later winning', () => {
    const merged = settingsFrom(
      { maxQaRounds: 1, stages: { qa: { maxTurns: 5, timeoutMinutes: 2 } } },
      { stages: { qa: { model: 'haiku' }, implementation: { maxBudgetUsd: 1 } } },
    );
    expect(merged.maxQaRounds).toBe(1);
    expect(merged.stages.qa).toMatchObject({
      maxTurns: 5,
      timeoutMs: 120_000,
      model: 'haiku',
      maxBudgetUsd: 5,
    });
    expect(merged.stages.implementation).toMatchObject({ maxBudgetUsd: 1, maxTurns: 150 });
  });

  it.each([
    { maxQaRound: 1 },
    { stages: { qa: { turns: 3 } } },
    { isolation: 'podman' },
    { maxQaRounds: -1 },
    { stages: { qa: { maxTurns: 0 } } },
  ])('refuse %j', (input) => {
    expect(v.safeParse(settingsSchema, input).success).toBe(false);
  });
});

describe('the settings of a task', () => {
  const base = settingsFrom({
    testCommand: 'npm test',
    copyFiles: ['.env'],
    stages: { qa: { model: 'opus' } },
  });

  it('come back from their settings file as they were', () => {
    const file = v.parse(settingsSchema, JSON.parse(JSON.stringify(settingsFileOf(base))));
    expect(settingsFrom(file)).toEqual(base);
  });

  it('are told apart by the names that a settings file has', () => {
    const other = settingsOn(base, {
      testCommand: null,
      copyFiles: [],
      stages: { qa: { timeoutMinutes: 45, model: null } },
    });
    expect(settingChanges(base, other)).toEqual([
      { name: 'testCommand', before: 'npm test', after: null },
      { name: 'copyFiles', before: ['.env'], after: [] },
      { name: 'stages.qa.model', before: 'opus', after: null },
      { name: 'stages.qa.timeoutMinutes', before: 30, after: 45 },
    ]);
    expect(settingChanges(base, base)).toEqual([]);
    expect(settingsWith(base, settingChanges(base, other))).toEqual(other);
  });

  it('take over what is chosen of the changes, and nothing that is no setting', () => {
    const changed = settingsWith(base, [
      { name: 'stages.qa.maxTurns', after: 9 },
      { name: 'maxBudgetUsd', after: 2 },
    ]);
    expect(settingChanges(base, changed).map(({ name }) => name)).toEqual([
      'maxBudgetUsd',
      'stages.qa.maxTurns',
    ]);
    expect(() => settingsWith(base, [{ name: 'stages.qa.turns', after: 9 }])).toThrow('turns');
  });
});
