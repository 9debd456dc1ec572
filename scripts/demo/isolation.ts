import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import type { IsolationKind } from '../../src/engine/domain/task.ts';

/** How the demo isolates its task, and why. */
export interface DemoIsolation {
  readonly description: string;
  readonly kind: IsolationKind;
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
    kind: 'process',
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
    kind: 'docker',
    apiHost: bridge ?? '127.0.0.1',
  };
}
