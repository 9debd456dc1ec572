import { resolve } from 'node:path';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';

/** How the demo isolates its task, and why. */
export interface DemoIsolation {
  readonly description: string;
  /** Options of `orchestrator run`. */
  readonly options: readonly string[];
  /** The address on which a scripted API is reached from where the CLI runs. */
  readonly apiHost: string;
}

/**
 * Docker when an engine answers, else this machine: a choice made for the demo alone, and told. A scripted API must be
 * reached from inside the container, which takes the address of Docker's bridge.
 */
export async function chooseIsolation(isReal: boolean): Promise<DemoIsolation> {
  const onThisMachine = (why: string): DemoIsolation => ({
    description: `this machine, without a container: ${why}. The demo alone chooses so by itself`,
    options: ['--isolation', 'process', '--claude', resolve(__dirname, '../node_modules/.bin/claude')],
    apiHost: '127.0.0.1',
  });
  let bridge: string | null;
  try {
    const engine = await openDockerEngine();
    bridge = await engine.bridgeAddress();
  } catch {
    return onThisMachine('no Docker engine answers');
  }
  if (!isReal && bridge === null)
    return onThisMachine('the scripted model cannot be reached from a container here');
  return {
    description: 'Docker: a fresh container for the task (its image is built at first use)',
    options: ['--isolation', 'docker'],
    apiHost: bridge ?? '127.0.0.1',
  };
}
