import { describe, expect, it } from 'vitest';
import { vscodeReleases } from '../../scripts/vscode/installations.ts';
import { requireVscode } from '../support/suites.ts';
import type { Verdict } from './host/verdict.ts';
import { makeScene } from './makeScene.ts';

const { skip } = await requireVscode();

/** Fails with what failed inside; shows the measures. */
function expectPassed(verdict: Verdict): void {
  for (const note of verdict.notes) process.stdout.write(`VS Code ${verdict.vscode}: ${note}\n`);
  const failed = verdict.tests.filter(({ state }) => state !== 'passed');
  expect(failed.map(({ title, error }) => `${title}\n${error}`)).toEqual([]);
  expect(verdict.tests).not.toEqual([]);
}

describe.skipIf(skip).each(vscodeReleases)('the extension host of VS Code $version', (release) => {
  it('has everything that package.json promises', async () => {
    const scene = await makeScene({ release });
    const verdict = await scene.inHost('contributions');
    expect(verdict.vscode).toBe(release.version);
    expectPassed(verdict);
  });
});
