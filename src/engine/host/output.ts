import type { Writable } from 'node:stream';
import type { Logger } from '../ports/logger.ts';
import type { WireEvent, WireTask } from '../protocol/wire.ts';

/** The world a host command runs in; a test or the demo gives its own. */
export interface HostIo {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted when the person wants to leave (Ctrl-C). */
  readonly interrupted: AbortSignal;
}

/** What a command says. With `--json`, stdout carries one object a line and nothing else. */
export class Output {
  readonly json: boolean;
  private readonly io: HostIo;

  constructor(io: HostIo, json: boolean) {
    this.io = io;
    this.json = json;
  }

  /** A line for a program; silent in text mode. */
  object(value: WireEvent | ({ readonly type: 'final' } & WireTask) | object): void {
    if (this.json) this.io.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Text for a person; silent in JSON mode. */
  text(line: string): void {
    if (!this.json) this.io.stdout.write(`${line}\n`);
  }

  /** For a person in either mode. */
  note(line: string): void {
    this.io.stderr.write(`${line}\n`);
  }
}

/** Warnings and errors of the engine on stderr, one line each: `event {fields}`. */
export function stderrLogger(io: HostIo): Logger {
  const verbose = io.env['ORCHESTRATOR_LOG'] === 'debug';
  const write = (level: string, event: string, fields?: Readonly<Record<string, unknown>>): void => {
    io.stderr.write(`${level} ${event}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}\n`);
  };
  return {
    debug: (event, fields) => (verbose ? write('debug', event, fields) : undefined),
    info: (event, fields) => (verbose ? write('info', event, fields) : undefined),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
}
