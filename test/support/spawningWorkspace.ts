import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitRecord, Launch, Workspace } from '../../src/engine/ports/isolation.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';

/** Runs one program right here, without a supervisor: real processes for tests of what is run, not of how. */
export class SpawningWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath: string;
  private readonly claudePath: string;
  private readonly env: Readonly<Record<string, string>>;
  private child: ChildProcess | null = null;
  private exit: Promise<ExitRecord> = Promise.reject(new Error('Nothing was started'));
  private isStopped = false;

  constructor(options: {
    readonly worktreePath: string;
    readonly claudePath: string;
    readonly env: Readonly<Record<string, string>>;
  }) {
    this.worktreePath = options.worktreePath;
    this.claudePath = options.claudePath;
    this.env = options.env;
    this.exit.catch(() => undefined);
  }

  async claude(): Promise<string> {
    return this.claudePath;
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  async expectRun(): Promise<void> {}

  async start({ runDir, argv: [program, ...args], stdin, env }: Launch): Promise<void> {
    await mkdir(runDir, { recursive: true });
    const input = join(runDir, runFiles.stdin);
    await writeFile(input, stdin);
    const files = await Promise.all([
      open(input, 'r'),
      open(join(runDir, runFiles.stdout), 'a'),
      open(join(runDir, runFiles.stderr), 'a'),
    ]);
    const child = spawn(program, args, {
      cwd: this.worktreePath,
      env: { ...this.env, ...env },
      stdio: files.map(({ fd }) => fd),
    });
    this.child = child;
    this.exit = once(child, 'close').then(() => ({
      code: child.exitCode,
      signal: child.signalCode,
      reason: this.isStopped ? 'stopped' : 'exited',
    }));
    await once(child, 'spawn');
    await Promise.all(files.map((file) => file.close()));
  }

  async wasStarted(): Promise<boolean> {
    return this.child !== null;
  }

  async ended(_runDir: string, signal: AbortSignal): Promise<ExitRecord> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    return Promise.race([this.exit, aborted]);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.child?.kill('SIGTERM');
    await this.exit;
  }

  /** As someone else would. */
  kill(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }
}
