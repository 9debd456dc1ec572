import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { DirectoryWatch } from './directoryWatch.ts';
import { readExitRecord, runFiles } from './runDirectory.ts';
import {
  readOwner,
  type SupervisedProgram,
  type SupervisorLaunch,
  type SupervisorOrder,
} from './supervisorProtocol.ts';

export interface SupervisorProgram {
  /** A Node executable, or Electron's. */
  readonly nodePath: string;
  /** The bundled `supervisor.js`. */
  readonly supervisorPath: string;
}

/** Between two stages lie tenths of a second, and a test command that may take longer than this is a run of its own. */
const spareMs = 10_000;

/** So long a program waits at most; Claude Code gives up after 3 s without input, and is then of no use to a run. */
const standingMs = 2_000;

/** What a supervisor says before it knows its run, which has a log of its own. */
const mostWords = 4_000;

/**
 * Starts supervisors that outlive this process. One can be prepared before its run is known, since the start of Node takes
 * longer than all else between two stages; it can even have the run's program started. One whose run has ended takes the next.
 */
export class Supervisors {
  private readonly program: SupervisorProgram;
  private readonly clock: Clock;
  /** Without a run. */
  private readonly waiting = new Set<Supervisor>();
  /** By run directory. */
  private readonly busy = new Map<string, Supervisor>();

  constructor(program: SupervisorProgram, clock: Clock) {
    this.program = program;
    this.clock = clock;
  }

  /**
   * Has a supervisor ready for the run that will soon follow in this folder, with its program started where that is known; one
   * that gets no run ends by itself, as it does with this process.
   */
  prepare(next: { readonly cwd: string } | SupervisedProgram): void {
    const isKnown = 'argv' in next;
    const ready = isKnown
      ? this.findStanding(next)
      : this.find(({ stands }) => stands === null || stands.cwd === next.cwd);
    if (ready !== undefined) return;
    const supervisor = this.findFree() ?? new Supervisor(this.program);
    if (isKnown) supervisor.standBy(next);
    this.keep(supervisor, isKnown ? standingMs : spareMs);
  }

  /** Nothing follows in this folder: ends the programs that wait there for their runs. */
  async leave(cwd: string): Promise<void> {
    const standing = [...this.waiting].filter(({ stands }) => stands?.cwd === cwd);
    for (const supervisor of standing) this.end(supervisor);
    await Promise.all(standing.map(({ ended }) => ended));
  }

  /** Resolves once the program runs. `environment` when it cannot. */
  async launch(runDir: string, launch: SupervisorLaunch): Promise<void> {
    for (let prepared = this.take(launch); prepared !== null; prepared = this.take(launch)) {
      // One that died before it had a run is no loss.
      if (await this.handOver(prepared, runDir, launch)) return;
    }
    const supervisor = new Supervisor(this.program);
    if (!(await this.handOver(supervisor, runDir, launch))) throw this.failed(supervisor);
  }

  /** The run has ended by itself: its supervisor is free for the next. */
  free(runDir: string): void {
    const supervisor = this.busy.get(runDir);
    this.busy.delete(runDir);
    if (supervisor !== undefined) this.keep(supervisor, spareMs);
  }

  /** The run will be the last of its supervisor. */
  retire(runDir: string): void {
    this.busy.get(runDir)?.dismiss();
    this.busy.delete(runDir);
  }

  /** Ends those that wait. Runs go on. */
  close(): void {
    for (const supervisor of this.waiting) this.end(supervisor);
    for (const runDir of this.busy.keys()) this.retire(runDir);
  }

  private keep(supervisor: Supervisor, forMs: number): void {
    supervisor.cancelRemoval();
    supervisor.until = this.clock.now() + forMs;
    supervisor.cancelRemoval = this.clock.at(supervisor.until, () => this.end(supervisor));
    this.waiting.add(supervisor);
  }

  private end(supervisor: Supervisor): void {
    this.waiting.delete(supervisor);
    supervisor.cancelRemoval();
    supervisor.dismiss();
  }

  /** The one that suits best: with the program started, or with none. */
  private take(launch: SupervisorLaunch): Supervisor | null {
    const found = this.findStanding(launch) ?? this.findFree();
    if (found !== undefined) {
      this.waiting.delete(found);
      found.cancelRemoval();
    }
    // What waits in the folder for another run does so in vain.
    for (const each of this.waiting) if (each.stands?.cwd === launch.cwd) this.end(each);
    return found ?? null;
  }

  private findFree(): Supervisor | undefined {
    return this.find(({ stands }) => stands === null);
  }

  private findStanding(program: SupervisedProgram): Supervisor | undefined {
    return this.find(({ stands }) => stands !== null && isSame(stands, program));
  }

  private find(suits: (supervisor: Supervisor) => boolean): Supervisor | undefined {
    const now = this.clock.now();
    for (const each of this.waiting) {
      // A timer may be late.
      if (each.gone !== null || each.until <= now) this.end(each);
      else if (suits(each)) return each;
    }
    return undefined;
  }

  /** False when the supervisor ended and the program does not run. */
  private async handOver(supervisor: Supervisor, runDir: string, launch: SupervisorLaunch): Promise<boolean> {
    const directory = new DirectoryWatch(runDir, [runFiles.owner, runFiles.exit]);
    try {
      void supervisor.ended.then(directory.nudge);
      supervisor.send({ type: 'run', runDir, launch });
      for (;;) {
        // Asked before looking: what a supervisor wrote before it went is then certainly seen.
        const { gone } = supervisor;
        if (await isUnderWay(runDir)) break;
        if (gone !== null) return false;
        await directory.next();
      }
      this.busy.set(runDir, supervisor);
      return true;
    } catch (error) {
      supervisor.dismiss();
      throw error;
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
  /** So long it waits for a run. */
  until = Infinity;
  cancelRemoval = (): void => {};
  /** The program that it has started for the next run; null when none. */
  stands: SupervisedProgram | null = null;
  /** Resolves when it is no more. */
  readonly ended: Promise<void>;
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
    this.ended = new Promise((resolve) => {
      const goes = (why: string): void => {
        this.gone ??= why;
        resolve();
      };
      this.child.once('error', ({ message }) => goes(message));
      // With the last of its words.
      this.child.once('close', (code, signal) => goes(`it ended with ${signal ?? code}`));
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.words = (this.words + chunk.toString()).slice(0, mostWords);
    });
    // It died before it had read everything: its end says so.
    this.child.stdin?.on('error', () => {});
    this.child.unref();
    for (const pipe of [this.child.stdin, this.child.stderr]) unref(pipe);
  }

  standBy(program: SupervisedProgram): void {
    this.stands = program;
    this.send({ type: 'stand-by', program });
  }

  send(order: SupervisorOrder): void {
    if (order.type === 'run') this.stands = null;
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** It ends, after the run it has. */
  dismiss(): void {
    this.child.stdin?.end();
  }
}

function isSame(left: SupervisedProgram, right: SupervisedProgram): boolean {
  return isDeepStrictEqual([left.argv, left.cwd, left.env], [right.argv, right.cwd, right.env]);
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
