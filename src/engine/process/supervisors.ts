import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { DirectoryWatch } from './directoryWatch.ts';
import { readExitRecord } from './runDirectory.ts';
import { readOwner, type SupervisorLaunch, type SupervisorOrder } from './supervisorProtocol.ts';

export interface SupervisorProgram {
  /** A Node executable, or Electron's. */
  readonly nodePath: string;
  /** The bundled `supervisor.js`. */
  readonly supervisorPath: string;
}

/** Between two stages lie tenths of a second, and a test command that may take longer than this is a run of its own. */
const spareMs = 10_000;

/** What a supervisor says before it knows its run, which has a log of its own. */
const mostWords = 4_000;

/**
 * Starts supervisors that outlive this process. One can be prepared before its run is known: the start of Node takes
 * longer than all else between two stages.
 */
export class Supervisors {
  private readonly program: SupervisorProgram;
  private readonly clock: Clock;
  private spare: Supervisor | null = null;
  private cancelRemoval = (): void => {};

  constructor(program: SupervisorProgram, clock: Clock) {
    this.program = program;
    this.clock = clock;
  }

  /** Has a supervisor ready for the run that will follow soon; one that gets none ends by itself, as it does with this process. */
  prepare(): void {
    if (this.spare?.gone === null) return;
    this.spare = new Supervisor(this.program);
    this.cancelRemoval = this.clock.at(this.clock.now() + spareMs, () => this.close());
  }

  /** Resolves once the program runs. `environment` when it cannot. */
  async launch(runDir: string, launch: SupervisorLaunch): Promise<void> {
    const prepared = this.take();
    // One that died before it had a run is no loss.
    if (prepared !== null && (await this.handOver(prepared, { runDir, launch }))) return;
    const supervisor = new Supervisor(this.program);
    if (!(await this.handOver(supervisor, { runDir, launch }))) throw this.failed(supervisor);
  }

  /** Ends the one that waits. Those that have a run go on. */
  close(): void {
    this.take()?.dismiss();
  }

  private take(): Supervisor | null {
    const { spare } = this;
    this.spare = null;
    this.cancelRemoval();
    return spare;
  }

  /** False when the supervisor ended and the program does not run. */
  private async handOver(supervisor: Supervisor, order: SupervisorOrder): Promise<boolean> {
    const directory = new DirectoryWatch(order.runDir);
    try {
      supervisor.onGone = directory.nudge;
      supervisor.send(order);
      for (;;) {
        // Asked before looking: what a supervisor wrote before it went is then certainly seen.
        const { gone } = supervisor;
        if (await isUnderWay(order.runDir)) return true;
        if (gone !== null) return false;
        await directory.next();
      }
    } finally {
      directory.close();
    }
  }

  private failed({ gone, words }: Supervisor): OrchestratorError {
    const { nodePath, supervisorPath } = this.program;
    const said = words.trim() === '' ? '' : `: ${words.trim().slice(0, 500)}`;
    return new OrchestratorError('environment', `The run's supervisor did not come up: ${gone}${said}.`, {
      remedy: `Check that ${nodePath} runs and that ${supervisorPath} is part of the installation.`,
    });
  }
}

/** One supervisor's process, as long as this process hears of it. */
class Supervisor {
  /** Why it is no more; null while it is. */
  gone: string | null = null;
  /** What it said. */
  words = '';
  onGone = (): void => {};
  private readonly child: ChildProcess;

  constructor({ nodePath, supervisorPath }: SupervisorProgram) {
    this.child = spawn(nodePath, [supervisorPath], {
      detached: true,
      // Keeps no folder busy that someone may want to unmount or remove.
      cwd: '/',
      // With the same TMPDIR both sides know the run's temporary folder by the same path.
      env: { ELECTRON_RUN_AS_NODE: '1', TMPDIR: tmpdir() },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.child.once('error', ({ message }) => this.goes(message));
    // With the last of its words.
    this.child.once('close', (code, signal) => this.goes(`it ended with ${signal ?? code}`));
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.words = (this.words + chunk.toString()).slice(0, mostWords);
    });
    // It died before it had read everything: its end says so.
    this.child.stdin?.on('error', () => {});
    this.child.unref();
    for (const pipe of [this.child.stdin, this.child.stderr]) unref(pipe);
  }

  send(order: SupervisorOrder): void {
    this.child.stdin?.end(JSON.stringify(order));
  }

  dismiss(): void {
    this.child.stdin?.end();
  }

  private goes(why: string): void {
    this.gone ??= why;
    this.onGone();
  }
}

/** Pipes of children are sockets, which Node's types do not say. */
function unref(pipe: unknown): void {
  (pipe as { unref?(): void } | null)?.unref?.();
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
