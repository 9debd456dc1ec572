import { expect } from 'vitest';
import type { Verdict } from './host/verdict.ts';

/** Fails with what failed in the extension host; prints its measures. */
export function expectPassed(verdict: Verdict): void {
  for (const note of verdict.notes) process.stdout.write(`VS Code ${verdict.vscode}: ${note}\n`);
  const others = verdict.tests.filter(({ state }) => state !== 'passed');
  expect(others.map(({ title, state, error }) => `${state}: ${title}\n${error ?? ''}`)).toEqual([]);
  expect(verdict.tests).not.toEqual([]);
}
