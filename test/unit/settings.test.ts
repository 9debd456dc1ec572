import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { defaultSettings, settingsFrom, settingsSchema } from '../../src/engine/settings.ts';

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
