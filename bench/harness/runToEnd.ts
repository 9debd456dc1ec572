import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

/** Runs a program with its streams in files and nothing in between; fails unless it exits with 0. */
export async function runToEnd(
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly stdin: string;
    readonly stdout: string;
  },
): Promise<void> {
  const [file = '', ...args] = argv;
  const [input, output] = [await open(options.stdin, 'r'), await open(options.stdout, 'w')];
  const { cwd, env } = options;
  const child = spawn(file, args, { cwd, env, stdio: [input.fd, output.fd, 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  await Promise.all([input.close(), output.close()]);
  if (code !== 0)
    throw new Error(`${file} ended with ${code}: ${(await readFile(options.stdout, 'utf8')).slice(-2000)}`);
}
