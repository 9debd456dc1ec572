import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { StoreBuild } from './storeBuild.ts';
import { wasmPath } from './storeFixtures.ts';

/** A `storeChild` and the lines it says. */
export class StoreProcess {
  readonly #child: ReturnType<typeof spawn>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<void>;

  constructor(build: StoreBuild, mode: 'hold' | 'commit', directory: string, ...rest: string[]) {
    const child = spawn(
      process.execPath,
      [build.childPath, mode, directory, build.workerPath, wasmPath, ...rest],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The next line; null at the end. */
  async line(): Promise<string | null> {
    const next = await this.#lines.next();
    return next.done === true ? null : next.value;
  }

  /** SIGKILL, and wait until the kernel has let go of everything it held. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
