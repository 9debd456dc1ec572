import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitRecord, ExpectedProgram, Launch, Workspace } from '../../src/engine/ports/isolation.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { cliLines } from './cliLines.ts';

/** The host, with a CLI that hands in an answer at once; keeps what was expected to run in it, and what did. */
export class PlayedWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath: string;
  readonly claudePath = '/claude';
  /** One for each time that something was expected; null where nobody knew what. */
  readonly expected: (ExpectedProgram | null)[] = [];
  readonly starts: Launch[] = [];
  /** False: it fails to start a program before its run. */
  takesEarly = true;
  /** Plays the agent: what it does in the worktree, and what it hands in. */
  private readonly answer: () => Promise<object>;

  constructor(worktreePath: string, answer: () => Promise<object>) {
    this.worktreePath = worktreePath;
    this.answer = answer;
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  async expectRun(program: (() => Promise<ExpectedProgram>) | null): Promise<void> {
    if (program !== null && !this.takesEarly) throw new Error('no program is started early');
    this.expected.push(program === null ? null : await program());
  }

  async start(launch: Launch): Promise<void> {
    this.starts.push(launch);
    const lines = [cliLines.init, { ...cliLines.success, structured_output: await this.answer() }];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await writeFile(join(launch.runDir, runFiles.stdout), text);
    await writeFile(join(launch.runDir, runFiles.stderr), '');
  }

  async wasStarted(): Promise<boolean> {
    return this.starts.length > 0;
  }

  async ended(): Promise<ExitRecord> {
    return { code: 0, signal: null, reason: 'exited' };
  }

  async stop(): Promise<void> {}
}
