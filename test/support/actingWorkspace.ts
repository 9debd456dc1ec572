import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrchestratorError } from '../../src/engine/ports/errors.ts';
import type { ExitRecord, ExpectedProgram, Launch, Workspace } from '../../src/engine/ports/isolation.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { cliLines } from './cliLines.ts';

/**
 * The host, where a program does in this very process what the test says and ends well; as an agent it gives its answer.
 * Keeps what was expected to run in it, and what did.
 */
export class ActingWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath: string;
  /** One for each time that something was expected; null where nobody knew what. */
  readonly expected: (ExpectedProgram | null)[] = [];
  readonly starts: Launch[] = [];
  /** False: it fails to start a program before its run. */
  takesEarly = true;
  hasClaude = true;
  /** With which programs exit; null: they are gone without a word. */
  exitCode: number | null = 0;
  private readonly act: () => Promise<unknown>;

  /** `act` resolves with the agent's structured answer. */
  constructor(worktreePath: string, act: () => Promise<unknown>) {
    this.worktreePath = worktreePath;
    this.act = act;
  }

  async claude(): Promise<string> {
    if (this.hasClaude) return '/claude';
    throw new OrchestratorError('environment', 'Claude Code was not found.');
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  async expectRun(program: (() => Promise<ExpectedProgram>) | null): Promise<void> {
    if (program !== null && !this.takesEarly) throw new Error('no program is started early');
    this.expected.push(program === null ? null : await program());
  }

  async start(launch: Launch): Promise<void> {
    const { runDir } = launch;
    this.starts.push(launch);
    await mkdir(runDir, { recursive: true });
    await writeFile(join(runDir, runFiles.launch), '{}');
    const lines = [cliLines.init, { ...cliLines.success, structured_output: await this.act() }];
    await writeFile(join(runDir, runFiles.stdout), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async wasStarted(runDir: string): Promise<boolean> {
    return this.starts.some((launch) => launch.runDir === runDir);
  }

  async ended(): Promise<ExitRecord> {
    return { code: this.exitCode, signal: null, reason: this.exitCode === null ? 'lost' : 'exited' };
  }

  async stop(): Promise<void> {}
}
