import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { runHost } from '../../src/engine/host.ts';
import type { ExitCode } from '../../src/engine/host/exitCodes.ts';

export interface HeardHost {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line of the host in this process, over the built programs. */
export async function heardHost(
  args: readonly string[],
  {
    cwd,
    interrupted = new AbortController().signal,
  }: { readonly cwd: string; readonly interrupted?: AbortSignal },
): Promise<HeardHost> {
  const [stdout, stderr] = [new HeardOutput(), new HeardOutput()];
  const io = { stdout, stderr, env: process.env, cwd, interrupted };
  const assets = { distFolder: resolve('dist'), containerFolder: resolve('media/container') };
  const code = await runHost(args, io, assets);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** What is said, instead of a terminal. */
class HeardOutput extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
