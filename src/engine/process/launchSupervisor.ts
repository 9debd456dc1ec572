import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { DirectoryWatch } from './directoryWatch.ts';
import { readExitRecord, runFiles } from './runDirectory.ts';
import { readOwner, type SupervisorLaunch } from './supervisorProtocol.ts';

export interface SupervisorProgram {
  /** A Node executable, or Electron's. */
  readonly nodePath: string;
  /** The bundled `supervisor.js`. */
  readonly supervisorPath: string;
}

/** Starts a supervisor that outlives this process; resolves once its program runs. `environment` when it cannot. */
export async function launchSupervisor(
  program: SupervisorProgram,
  runDir: string,
  launch: SupervisorLaunch,
): Promise<void> {
  const directory = new DirectoryWatch(runDir);
  const log = await open(join(runDir, runFiles.supervisorLog), 'a', 0o600);
  try {
    const supervisor = spawn(program.nodePath, [program.supervisorPath, runDir], {
      detached: true,
      // Keeps no folder busy that someone may want to unmount or remove.
      cwd: '/',
      // With the same TMPDIR both sides know the run's temporary folder by the same path.
      env: { ELECTRON_RUN_AS_NODE: '1', TMPDIR: tmpdir() },
      stdio: ['pipe', 'ignore', log.fd],
    });
    let gone: string | undefined;
    const goes = (why: string): void => {
      gone ??= why;
      directory.nudge();
    };
    supervisor.once('error', ({ message }) => goes(message));
    supervisor.once('exit', (code, signal) => goes(`it ended with ${signal ?? code}`));
    // It died before it had read everything: its exit says so.
    supervisor.stdin?.on('error', () => {});
    supervisor.stdin?.end(JSON.stringify(launch));
    supervisor.unref();
    for (;;) {
      // Asked before looking: what a supervisor wrote before it went is then certainly seen.
      const why = gone;
      if (await isUnderWay(runDir)) return;
      if (why !== undefined) throw await failedSupervisor(program, runDir, why);
      await directory.next();
    }
  } finally {
    directory.close();
    await log.close();
  }
}

async function isUnderWay(runDir: string): Promise<boolean> {
  const record = await readExitRecord(runDir);
  if (record?.reason === 'lost') {
    throw new OrchestratorError(
      'environment',
      `The program could not be run: ${record.detail ?? 'nobody knows why'}.`,
    );
  }
  if (record !== null) return true;
  const owner = await readOwner(runDir);
  return owner?.type === 'supervisor' && owner.program !== null;
}

async function failedSupervisor(
  program: SupervisorProgram,
  runDir: string,
  why: string,
): Promise<OrchestratorError> {
  const log = await readFile(join(runDir, runFiles.supervisorLog), 'utf8');
  const words = log.trim() === '' ? why : `${why}: ${log.trim().slice(0, 500)}`;
  return new OrchestratorError('environment', `The run's supervisor did not come up: ${words}.`, {
    remedy: `Check that ${program.nodePath} runs and that ${program.supervisorPath} is part of the installation.`,
  });
}
