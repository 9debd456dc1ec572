import { onTestFinished } from 'vitest';
import { VscodeScene, type VscodeSceneOptions } from '../support/vscodeScene.ts';
import { leaveTraces } from './leaveTraces.ts';

/** A scene for one test, cleared after it. When the test fails, it leaves what its windows showed in .vscode-test. */
export async function makeScene(options: VscodeSceneOptions): Promise<VscodeScene> {
  const scene = await VscodeScene.make(options);
  onTestFinished(async ({ task }) => {
    await leaveTraces(scene, options.release, task);
    await scene.clear();
  });
  return scene;
}
