import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { ExitRecord } from '../ports/isolation.ts';
import { DirectoryWatch } from './directoryWatch.ts';
import { type SupervisorProgram, Supervisors } from './supervisors.ts';
import { isAlive } from './processTable.ts';
import { sendSignal } from './processTree.ts';
import { createWhole, runFiles, wasLaunched } from './runDirectory.ts';
import { bury, lostBecause, settleRun } from './settleRun.ts';
import { readOwner, type SupervisedProgram, type SupervisorLaunch } from './supervisorProtocol.ts';

/** An engine that died right after spawning leaves a supervisor that needs a moment to come up. */
const ownerPatienceMs = 5_000;

/** A supervisor asks for 5 s at most twice, then kills; one that takes longer than this is itself in trouble. */
const stopLimitMs = 15_000;

/** Programs under supervisors of their own, each known by its run directory; any engine can take up another's. */
export class SupervisedRuns {
  private readonly supervisors: Supervisors;
  private readonly clock: Clock;
  private readonly starting = new Map<string, Promise<void>>();

  constructor(program: SupervisorProgram, clock: Clock) {
    this.supervisors = new Supervisors(program, clock);
    this.clock = clock;
  }

  /** A run follows soon in this folder, of this program where that is known: it is then started and waits for its input. */
  prepare(next: { readonly cwd: string } | SupervisedProgram): void {
    this.supervisors.prepare(next);
  }

  /** No run follows in this folder. Resolves when no program waits there any more. */
  async leave(cwd: string): Promise<void> {
    await this.supervisors.leave(cwd);
  }

  /** Runs go on by themselves. */
  close(): void {
    this.supervisors.close();
  }

  wasStarted(runDir: string): Promise<boolean> {
    return wasLaunched(runDir);
  }

  /** Starts it unless this run directory was started before; resolves once it runs. `environment` when it cannot. */
  start(runDir: string, launch: SupervisorLaunch, stdin: string): Promise<void> {
    const pending = this.starting.get(runDir);
    if (pending !== undefined) return pending;
    const started = this.startOnce(runDir, launch, stdin).finally(() => this.starting.delete(runDir));
    this.starting.set(runDir, started);
    return started;
  }

  /** Resolves when the whole tree is gone; rejects with the signal's reason when aborted. */
  async ended(runDir: string, signal: AbortSignal): Promise<ExitRecord> {
    await this.startSettled(runDir);
    if (!(await this.wasStarted(runDir))) return lostBecause('It was never started');
    const directory = new DirectoryWatch(runDir, [runFiles.owner, runFiles.exit], signal);
    let patience: 'patient' | 'impatient' = 'patient';
    const cancel = this.clock.at(this.clock.now() + ownerPatienceMs, () => {
      patience = 'impatient';
      directory.nudge();
    });
    try {
      for (;;) {
        signal.throwIfAborted();
        const record = await settleRun(runDir, patience);
        if (record !== null) {
          this.supervisors.free(runDir);
          return record;
        }
        await directory.next();
      }
    } finally {
      cancel();
      directory.close();
    }
  }

  /** Ends the run, by force if need be; fine when it has ended or was never started. */
  async stop(runDir: string): Promise<void> {
    await this.startSettled(runDir);
    // Before all else: the signal must not come when it has another run.
    this.supervisors.retire(runDir);
    if (!(await this.wasStarted(runDir)) || (await settleRun(runDir, 'impatient')) !== null) return;
    const owner = await readOwner(runDir);
    if (owner?.type !== 'supervisor') throw new Error(`The run in ${runDir} goes on without an owner`);
    if (await isAlive(owner)) sendSignal(owner, 'SIGTERM');
    const limit = new AbortController();
    const cancel = this.clock.at(this.clock.now() + stopLimitMs, () => limit.abort());
    try {
      await this.ended(runDir, limit.signal);
    } catch (error) {
      if (!limit.signal.aborted) throw error;
      if (await isAlive(owner)) sendSignal(owner, 'SIGKILL');
      const record = {
        code: null,
        signal: null,
        reason: 'stopped',
        detail: 'Its supervisor had to be killed',
      } as const;
      await bury(runDir, owner, record);
    } finally {
      cancel();
    }
  }

  /** Whoever started it hears of a failure; the run directory then holds an exit record or no owner. */
  private async startSettled(runDir: string): Promise<void> {
    await this.starting.get(runDir)?.catch(() => undefined);
  }

  private async startOnce(runDir: string, launch: SupervisorLaunch, stdin: string): Promise<void> {
    if (await this.wasStarted(runDir)) return;
    await writeFile(join(runDir, runFiles.stdin), stdin, { mode: 0o600 });
    const { argv, cwd, timeoutMs } = launch;
    const note = JSON.stringify({ argv, cwd, timeoutMs, startedAt: this.clock.now() });
    // From here on this run is never started again, whatever happens before its supervisor is up.
    if (!(await createWhole(join(runDir, runFiles.launch), note))) return;
    try {
      await this.supervisors.launch(runDir, launch);
    } catch (error) {
      // Gives it up for good, so that waiting for it ends at once.
      await settleRun(runDir, 'impatient');
      throw error;
    }
  }
}
