import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { WireEvent, WireTask } from '../../src/engine/protocol/wire.ts';

type Line = (WireEvent | ({ readonly type: 'final' } & WireTask)) & Readonly<Record<string, unknown>>;

/** The built host. */
export const hostPath = resolve(import.meta.dirname, '../../dist/host.js');

/** The built host as a process of its own, as a user runs it. */
export class HostProcess {
  readonly lines: Line[] = [];
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  private readonly watchers = new Set<() => void>();

  constructor(
    args: readonly string[],
    options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
  ) {
    this.child = spawn(process.execPath, [hostPath, ...args], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('the pipes were asked for');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      this.wake();
    });
    stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((done) => {
      this.child.once('close', (code) => {
        done(code);
        this.wake();
      });
    });
  }

  /** Resolves with the first line that matches, come or to come. Fails when the host ends without it. */
  async until(matches: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(
          `the host ended (${this.child.exitCode}) before that line came\n${this.stderr}\n${this.lines.map((line) => line.type).join(' ')}`,
        );
      }
      await new Promise<void>((wake) => this.watchers.add(wake));
    }
  }

  event(type: string, where: (line: Line) => boolean = () => true): Promise<Line> {
    return this.until((line) => line.type === type && where(line));
  }

  finals(): readonly WireTask[] {
    return this.lines.filter(
      (line): line is Line & { readonly type: 'final' } & WireTask => line.type === 'final',
    );
  }

  private wake(): void {
    for (const watcher of this.watchers) watcher();
    this.watchers.clear();
  }
}
