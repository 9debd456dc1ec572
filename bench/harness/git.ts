import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Plain git, as a person would call it there. */
export async function runGit(cwd: string, ...args: readonly string[]): Promise<string> {
  const identity = [
    '-c',
    'user.name=Bench',
    '-c',
    'user.email=bench@localhost',
    '-c',
    'commit.gpgSign=false',
    // A container's user owns what a task wrote.
    '-c',
    'safe.directory=*',
  ];
  const { stdout } = await execute('git', [...identity, ...args], { cwd, maxBuffer: 64 * 2 ** 20 });
  return stdout;
}
