import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { LeaseRequest } from '../../src/engine/ports/isolation.ts';

/** `dockerEngineChild.ts` bundled as the product is, and running. */
export class EngineProcess {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Resolves when the program is under way. */
  static async start(
    folder: string,
    storageId: string,
    request: LeaseRequest,
    runDir: string,
    argv: readonly string[],
  ): Promise<EngineProcess> {
    const outfile = join(folder, 'engine.cjs');
    await build({
      entryPoints: [fileURLToPath(new URL('dockerEngineChild.ts', import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      logLevel: 'error',
      external: ['*.node', 'cpu-features'],
    });
    const told = JSON.stringify({ ...request, worktree: await request.worktree.registered });
    const child = spawn(process.execPath, [outfile, storageId, told, runDir, ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    if (String(said) !== 'started\n') throw new Error(`The engine process said: ${String(said)}`);
    return new EngineProcess(child);
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}
