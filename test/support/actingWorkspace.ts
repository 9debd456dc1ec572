import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitRecord, Launch, Workspace } from '../../src/engine/ports/isolation.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { cliLines } from './cliLines.ts';

/** The host, where a program does in this very process what the test says and ends well; as an agent it gives its answer. */
export class ActingWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath: string;
  readonly claudePath = '/claude';
  private readonly act: () => Promise<unknown>;
  private readonly started = new Set<string>();

  /** `act` resolves with the agent's structured answer. */
  constructor(worktreePath: string, act: () => Promise<unknown>) {
    this.worktreePath = worktreePath;
    this.act = act;
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  expectRun(): void {}

  async start({ runDir }: Launch): Promise<void> {
    this.started.add(runDir);
    await mkdir(runDir, { recursive: true });
    await writeFile(join(runDir, runFiles.launch), '{}');
    const lines = [cliLines.init, { ...cliLines.success, structured_output: await this.act() }];
    await writeFile(join(runDir, runFiles.stdout), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async wasStarted(runDir: string): Promise<boolean> {
    return this.started.has(runDir);
  }

  async ended(): Promise<ExitRecord> {
    return { code: 0, signal: null, reason: 'exited' };
  }

  async stop(): Promise<void> {}
}
