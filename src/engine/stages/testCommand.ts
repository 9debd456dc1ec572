import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestRun } from '../context/bundle.ts';
import type { ExitRecord, Launch, Workspace } from '../ports/isolation.ts';
import { readTail } from '../process/readTail.ts';
import { createRunDirectory, runFiles } from '../process/runDirectory.ts';

/** How much of the end of the output is kept in the report; the whole stays in the run directory. */
const tailBytes = 16_384;

/** How a command of the project's ended, with the end of what it printed. */
export interface CommandResult extends TestRun {
  readonly exit: ExitRecord;
}

/**
 * Runs a command of the project's (tests, set-up) through `sh` in the workspace and waits for it, adopting one that an
 * earlier engine started in this run directory. It gets no credentials: what it runs is the repository's own code.
 */
export async function runProjectCommand({
  workspace,
  command,
  signal,
  ...launch
}: Pick<Launch, 'runDir' | 'timeoutMs' | 'checkout'> & {
  readonly workspace: Workspace;
  readonly command: string;
  readonly signal: AbortSignal;
}): Promise<CommandResult> {
  const { runDir } = launch;
  await createRunDirectory(runDir);
  // CI=true: test runners that would watch for changes run once and end.
  await workspace.start({ ...launch, argv: ['sh', '-c', command], stdin: '', env: { CI: 'true' } });
  const exit = await workspace.ended(runDir, signal);
  const [output, errors] = await Promise.all([
    tailOf(join(runDir, runFiles.stdout)),
    tailOf(join(runDir, runFiles.stderr)),
  ]);
  const outputTail = [output, errors].filter((text) => text !== '').join('\n');
  return {
    command,
    exitCode: exit.reason === 'exited' ? exit.code : null,
    durationMs: await duration(runDir),
    outputTail,
    exit,
  };
}

async function tailOf(path: string): Promise<string> {
  const bytes = await readTail(path, tailBytes);
  const text = bytes.toString('utf8');
  return bytes.length < tailBytes ? text : `[...]\n${text.slice(text.indexOf('\n') + 1)}`;
}

/** From the files' own times, so that a run adopted from an earlier engine has its true length. */
async function duration(runDir: string): Promise<number> {
  const [launch, exit] = await Promise.all([
    stat(join(runDir, runFiles.launch)),
    stat(join(runDir, runFiles.exit)).catch(() => null),
  ]);
  return exit === null ? 0 : Math.max(0, Math.round(exit.mtimeMs - launch.mtimeMs));
}
