import { onTestFinished } from 'vitest';
import { join } from 'node:path';
import { vscodeTestFolder } from '../../scripts/vscode/installations.ts';
import { VscodeScene, type VscodeSceneOptions } from '../support/vscodeScene.ts';

/** A scene for one test, cleared after it. When the test fails, it leaves what its windows showed in .vscode-test. */
export async function makeScene(options: VscodeSceneOptions): Promise<VscodeScene> {
  const scene = await VscodeScene.make(options);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') {
      const name = `${options.release.version} ${task.name}`.replaceAll(/\W+/g, '-');
      await scene.leaveTraces(join(vscodeTestFolder, 'failures', name));
    }
    await scene.clear();
  });
  return scene;
}
