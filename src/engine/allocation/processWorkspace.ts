import { constants, writeFile } from 'node:fs/promises';
import { OrchestratorError } from '../ports/errors.ts';
import type { ExitRecord, ExpectedProgram, Launch, Workspace } from '../ports/isolation.ts';
import type { SupervisedRuns } from '../process/supervisedRuns.ts';
import type { SupervisedProgram } from '../process/supervisorProtocol.ts';

export interface ProcessWorkspaceOptions {
  readonly worktreePath: string;
  /** Finds the executable, or throws `environment`. */
  readonly claude: () => Promise<string>;
  /** `HOME`, `PATH`, `LANG`; the supervisor adds `TMPDIR`. */
  readonly env: Readonly<Record<string, string>>;
  /** The lease's record, one run directory a line as JSON; gone once the lease is released. */
  readonly leasePath: string;
}

/** The host itself: programs run with the person's own rights in the worktree, each under a supervisor. */
export class ProcessWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath: string;
  readonly claude: () => Promise<string>;
  private readonly env: Readonly<Record<string, string>>;
  private readonly leasePath: string;
  private readonly runs: SupervisedRuns;

  constructor(options: ProcessWorkspaceOptions, runs: SupervisedRuns) {
    this.worktreePath = options.worktreePath;
    this.claude = options.claude;
    this.env = options.env;
    this.leasePath = options.leasePath;
    this.runs = runs;
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  async expectRun(program: (() => Promise<ExpectedProgram>) | null): Promise<void> {
    this.runs.prepare(program === null ? { cwd: this.worktreePath } : this.inHere(await program()));
  }

  async start({ runDir, stdin, timeoutMs, ...program }: Launch): Promise<void> {
    if (!(await this.wasStarted(runDir))) await this.recordRun(runDir);
    await this.runs.start(runDir, { ...this.inHere(program), timeoutMs }, stdin);
  }

  wasStarted(runDir: string): Promise<boolean> {
    return this.runs.wasStarted(runDir);
  }

  ended(runDir: string, signal: AbortSignal): Promise<ExitRecord> {
    return this.runs.ended(runDir, signal);
  }

  stop(runDir: string): Promise<void> {
    return this.runs.stop(runDir);
  }

  private inHere({ argv: [program, ...args], env }: ExpectedProgram): SupervisedProgram {
    return { argv: [program, ...args], cwd: this.worktreePath, env: { ...this.env, ...env } };
  }

  /** Before the start, so that no engine ever has a run that its lease does not know. */
  private async recordRun(runDir: string): Promise<void> {
    try {
      // Not creating: a released lease must not come back to life. The line break comes first: it sets a line that a
      // crash cut short apart from this one.
      const flag = constants.O_WRONLY | constants.O_APPEND;
      await writeFile(this.leasePath, `\n${JSON.stringify(runDir)}`, { flag });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new OrchestratorError(
        'internal',
        `A program was to start in ${this.worktreePath} after its lease was released.`,
      );
    }
  }
}
