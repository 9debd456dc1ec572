import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The built host on one repository and storage, as a person would call it. */
export class HostCommand {
  private readonly place: readonly string[];
  private readonly cwd: string;
  private readonly env: NodeJS.ProcessEnv;
  private readonly program = join(__dirname, 'host.js');

  constructor(options: {
    readonly repository: string;
    readonly storage: string;
    readonly env: NodeJS.ProcessEnv;
  }) {
    this.cwd = options.repository;
    this.env = options.env;
    this.place = ['--repo', options.repository, '--storage', options.storage];
  }

  /** The whole command line, to be typed again. */
  line(...args: readonly string[]): string {
    return ['node', this.program, ...args, ...this.place].join(' ');
  }

  /** Runs it on this terminal; resolves with its exit code. */
  show(...args: readonly string[]): Promise<number> {
    return this.start(args, 'inherit').exit;
  }

  /** Runs it with `--json`; resolves with the objects it printed. */
  async read(...args: readonly string[]): Promise<readonly unknown[]> {
    const { exit, output } = this.start([...args, '--json'], 'pipe');
    await exit;
    return output()
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line));
  }

  private start(
    args: readonly string[],
    stdout: 'inherit' | 'pipe',
  ): { readonly exit: Promise<number>; output(): string } {
    const child = spawn(process.execPath, [this.program, ...args, ...this.place], {
      cwd: this.cwd,
      env: this.env,
      stdio: ['ignore', stdout, 'inherit'],
    });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const exit = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    return { exit, output: () => text };
  }
}
