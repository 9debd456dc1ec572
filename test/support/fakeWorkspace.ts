import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitRecord, Launch, Workspace } from '../../src/engine/ports/isolation.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';

/** A workspace in which a program does what the test says: prints lines, ends. Stopping ends it as a good program does. */
export class FakeWorkspace implements Workspace {
  readonly isolation = 'process';
  readonly containerPort = null;
  readonly worktreePath = '/worktree';
  readonly starts: Launch[] = [];
  readonly stops: string[] = [];
  /** Resolves when someone waits for the end. */
  readonly followed: Promise<void>;
  private readonly runDir: string;
  private noteFollowed: () => void = () => {};
  private readonly exit: Promise<ExitRecord>;
  private end: (record: ExitRecord) => void = () => {};

  constructor(runDir: string) {
    this.runDir = runDir;
    this.followed = new Promise((resolve) => {
      this.noteFollowed = resolve;
    });
    this.exit = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async print(...lines: readonly (object | string)[]): Promise<void> {
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
    await appendFile(join(this.runDir, runFiles.stdout), text.join(''));
  }

  async printError(text: string): Promise<void> {
    await appendFile(join(this.runDir, runFiles.stderr), text);
  }

  exits(record: Partial<ExitRecord>): void {
    this.end({ code: 0, signal: null, reason: 'exited', ...record });
  }

  async claude(): Promise<string> {
    return '/claude';
  }

  pathInside(hostPath: string): string {
    return hostPath;
  }

  async expectRun(): Promise<void> {}

  async start(launch: Launch): Promise<void> {
    this.starts.push(launch);
  }

  async wasStarted(): Promise<boolean> {
    return this.starts.length > 0;
  }

  async ended(_runDir: string, signal: AbortSignal): Promise<ExitRecord> {
    this.noteFollowed();
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    return Promise.race([this.exit, aborted]);
  }

  async stop(runDir: string): Promise<void> {
    this.stops.push(runDir);
    this.exits({ code: 143, reason: 'stopped' });
  }
}
