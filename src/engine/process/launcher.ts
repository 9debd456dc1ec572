import { fork, type ChildProcess } from 'node:child_process';
import { OrchestratorError } from '../ports/errors.ts';
import type { ExecuteOptions, ExecuteResult } from './exec.ts';
import type { LauncherAnswer, LauncherRequest } from './launcherProtocol.ts';

export interface LauncherProgram {
  /** A Node executable, or Electron's. */
  readonly nodePath: string;
  /** The bundled `launcher.js`. */
  readonly launcherPath: string;
  /** It ends when nothing was asked of it for so long: an engine at rest needs none. */
  readonly idleMs?: number;
}

interface Waiting {
  resolve(result: ExecuteResult): void;
  reject(error: OrchestratorError): void;
}

const defaultIdleMs = 15_000;

/**
 * Starts programs from a small process of its own. The kernel copies a process's page tables at each `fork`, which stops
 * this process's thread: 9 ms in an engine of 150 MB, for each of the dozens of programs of a task, and under 1 ms in a fresh Node.
 */
export class Launcher {
  private readonly program: LauncherProgram;
  private child: ChildProcess | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(program: LauncherProgram) {
    this.program = program;
  }

  /** Of the process that is there now; null when there is none. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** As `execute`. When the launcher itself is ended, what it was asked fails with `environment`; the next call starts it anew. */
  async execute(
    file: string,
    args: readonly string[],
    { signal, extendEnv, env, cwd, ...options }: ExecuteOptions,
  ): Promise<ExecuteResult> {
    const child = this.running();
    const id = (this.lastId += 1);
    const request: LauncherRequest = {
      type: 'execute',
      id,
      file,
      args,
      options: {
        ...options,
        cwd: cwd ?? process.cwd(),
        env: { ...(extendEnv === false ? {} : definedOf(process.env)), ...env },
      },
    };
    const abort = (): void => send(child, { type: 'abort', id });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<ExecuteResult>((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        child.ref();
        child.channel?.ref();
        send(child, request);
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      this.waiting.delete(id);
      if (this.waiting.size === 0) this.rest();
    }
  }

  /** What it was asked goes on to its end; whoever waits for that is told that nobody does any more. */
  close(): void {
    clearTimeout(this.idle);
    const child = this.child;
    this.child = null;
    if (child?.connected === true) child.disconnect();
    this.rejectAll(new OrchestratorError('killed', 'The engine closed before the program ended.'));
  }

  private running(): ChildProcess {
    clearTimeout(this.idle);
    this.child ??= this.start();
    return this.child;
  }

  private start(): ChildProcess {
    const child = fork(this.program.launcherPath, [], {
      execPath: this.program.nodePath,
      // A profiler or debugger of this process is not meant for it.
      execArgv: [],
      // Nothing of this process's environment: each program is given its own.
      env: { ELECTRON_RUN_AS_NODE: '1' },
      // Keeps no folder busy that someone may want to unmount or remove.
      cwd: '/',
      // Ctrl-C in a terminal is this process's business: it lets programs end in order.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', (answer: LauncherAnswer) => this.take(answer));
    child.on('error', (error) => this.lost(child, error.message));
    child.on('exit', (code, signal) => this.lost(child, `it ended with ${signal ?? code}`));
    return child;
  }

  private take(answer: LauncherAnswer): void {
    const waiting = this.waiting.get(answer.id);
    if (answer.type === 'result') {
      waiting?.resolve(answer.result);
      return;
    }
    const { code, message, remedy } = answer.failure;
    waiting?.reject(new OrchestratorError(code, message, remedy === undefined ? {} : { remedy }));
  }

  private lost(child: ChildProcess, why: string): void {
    if (this.child !== child) return;
    this.child = null;
    const { nodePath, launcherPath } = this.program;
    this.rejectAll(
      new OrchestratorError('environment', `The process that starts programs went away: ${why}.`, {
        remedy: `Retry. If it stays so, check that ${nodePath} runs and that ${launcherPath} is part of the installation.`,
      }),
    );
  }

  private rejectAll(error: OrchestratorError): void {
    for (const { reject } of this.waiting.values()) reject(error);
  }

  /** Nothing is asked: neither it nor its timer keeps this process alive. */
  private rest(): void {
    this.child?.unref();
    this.child?.channel?.unref();
    this.idle = setTimeout(() => this.close(), this.program.idleMs ?? defaultIdleMs).unref();
  }
}

/** An error here is one of a process that went away; its end is what tells. */
function send(child: ChildProcess, request: LauncherRequest): void {
  child.send(request, () => {});
}

function definedOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
