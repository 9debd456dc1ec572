import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { VscodeRelease } from '../../scripts/vscode/installations.ts';
import { vscodeTestFolder } from '../../scripts/vscode/installations.ts';
import type { VscodeScene } from '../support/vscodeScene.ts';

/** When the test failed: what the scene's windows showed and logged, in .vscode-test. */
export async function leaveTraces(
  scene: VscodeScene,
  { version }: VscodeRelease,
  { name, result }: TestContext['task'],
): Promise<void> {
  if (result?.state !== 'fail') return;
  await scene.leaveTraces(join(vscodeTestFolder, 'failures', `${version} ${name}`.replaceAll(/\W+/g, '-')));
}
