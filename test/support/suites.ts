import { findChromium } from '../../scripts/vscode/browser.ts';
import { installedVscode, vscodeReleases } from '../../scripts/vscode/installations.ts';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import { baseImage } from './dockerEngineHarness.ts';

let docker: Promise<{ readonly skip: boolean }> | undefined;

/**
 * Whether the Docker suites have to be skipped: `describe.skipIf((await requireDocker()).skip)`. Says why, once. With
 * REQUIRE_ALL_SUITES=1 a missing engine is a failure.
 */
export function requireDocker(): Promise<{ readonly skip: boolean }> {
  docker ??= requireSuite('Docker', async () => {
    const engine = await openDockerEngine();
    await engine.info();
    if ((await engine.imageId(baseImage)) === null)
      throw new Error(`the image ${baseImage} is not on this machine`);
  });
  return docker;
}

/** The same for the suites that need a VS Code and a Chromium. */
export function requireVscode(): Promise<{ readonly skip: boolean }> {
  return requireSuite('VS Code', () => {
    findChromium();
    for (const release of vscodeReleases) installedVscode(release);
    return Promise.resolve();
  });
}

/** The same for the suites that draw a page in a Chromium. */
export function requireChromium(): Promise<{ readonly skip: boolean }> {
  return requireSuite('Chromium', () => {
    findChromium();
    return Promise.resolve();
  });
}

/** Skips loudly, or fails where every suite has to run, when `probe` throws. */
async function requireSuite(name: string, probe: () => Promise<void>): Promise<{ readonly skip: boolean }> {
  try {
    await probe();
    return { skip: false };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env.REQUIRE_ALL_SUITES === '1')
      throw new Error(`The ${name} suites cannot run: ${reason}`, { cause: error });
    process.stderr.write(`SKIPPED: the ${name} suites, because ${reason}\n`);
    return { skip: true };
  }
}
