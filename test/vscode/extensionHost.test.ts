import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { vscodeReleases, vscodeTestFolder } from '../../scripts/vscode/installations.ts';
import { requireVscode } from '../support/suites.ts';
import { expectPassed } from './expectPassed.ts';
import { makeScene } from './makeScene.ts';

const run = promisify(execFile);
const { skip } = await requireVscode();

describe.skipIf(skip).each(vscodeReleases)('the extension host of VS Code $version', (release) => {
  it('has everything that package.json promises', async () => {
    const scene = await makeScene({ release });
    const verdict = await scene.inHost('contributions');
    expect(verdict.vscode).toBe(release.version);
    expectPassed(verdict);
  });
});

describe.skipIf(skip)("@vscode/test-electron's runTests", () => {
  it('runs the same suites in a VS Code without a desktop', async () => {
    const { stdout } = await run(
      process.execPath,
      ['scripts/vscode/program.mjs', 'testElectron', '--shim', vscodeReleases[0].version],
      { cwd: `${vscodeTestFolder}/..` },
    );
    expect(stdout).toContain('ok     the extension > registers every command that it contributes');
  });
});
