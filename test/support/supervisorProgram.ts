import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { SupervisorProgram } from '../../src/engine/process/supervisors.ts';

/** Bundles an entry point as the product does. */
export async function bundle(entryPoint: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
  });
}

/** The real supervisor program, bundled into a folder of its own. */
export class BundledSupervisor implements SupervisorProgram {
  readonly nodePath = process.execPath;
  readonly supervisorPath: string;
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.supervisorPath = join(folder, 'supervisor.js');
  }

  static async build(): Promise<BundledSupervisor> {
    const program = new BundledSupervisor(await mkdtemp(join(tmpdir(), 'orch-')));
    await bundle('src/engine/process/supervisor.ts', program.supervisorPath);
    return program;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
