import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessIsolation } from '../../src/engine/allocation/processIsolation.ts';
import { runCli } from '../../src/engine/claude/cliRun.ts';
import { cliEnvironment } from '../../src/engine/claude/environment.ts';
import type { CliOutcome } from '../../src/engine/claude/outcome.ts';
import { defaultLimits, type CliLimits } from '../../src/engine/claude/watchdog.ts';
import { leaseIdOf } from '../../src/engine/domain/ids.ts';
import type { Workspace } from '../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { cliLines } from './cliLines.ts';
import { RunRoom } from './runRoom.ts';
import { BundledSupervisor } from './supervisorProgram.ts';

/** What the stand-in's script finds: the lines of a good run, and ways to print. */
const prelude = `
const { init, text, success } = ${JSON.stringify({ init: cliLines.init, text: cliLines.text('I look.'), success: cliLines.success })};
const { spawn } = require('node:child_process');
const { writeFileSync, writeSync } = require('node:fs');
/** Whole, and before the next statement: what follows may end the process. */
const print = (data) => {
  const bytes = Buffer.from(data);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};
const say = (...lines) => lines.forEach((line) => print(JSON.stringify(line) + '\\n'));
const stay = () => setInterval(() => {}, 1000);
`;

/**
 * In the place of the CLI: a program that misbehaves as the real one cannot be made to, under a real supervisor in process
 * isolation.
 */
export class MisbehavingCli {
  readonly room: RunRoom;
  private readonly isolation: ProcessIsolation;
  private readonly program: BundledSupervisor;

  private constructor(room: RunRoom, program: BundledSupervisor) {
    this.room = room;
    this.program = program;
    this.isolation = new ProcessIsolation({
      nodePath: program.nodePath,
      supervisorPath: program.supervisorPath,
      leasesDir: join(room.path, 'leases'),
      clock: systemClock,
      logger: silentLogger,
    });
  }

  static async open(): Promise<MisbehavingCli> {
    return new MisbehavingCli(await RunRoom.open(), await BundledSupervisor.build());
  }

  /** Runs a stage with this script for the CLI, to its end. */
  async play(script: string, limits: Partial<CliLimits> = {}, timeoutMs = 60_000): Promise<CliOutcome> {
    const claudePath = join(this.room.path, 'claude');
    await writeFile(claudePath, `#!${process.execPath}\n${prelude}\n${script}\n`);
    await chmod(claudePath, 0o755);
    return this.run(claudePath, limits, timeoutMs);
  }

  /** The same with any program. */
  async run(claudePath: string, limits: Partial<CliLimits> = {}, timeoutMs = 60_000): Promise<CliOutcome> {
    const workspace = await this.workspace(claudePath);
    const runDir = await this.room.runDir();
    const env = cliEnvironment({ ANTHROPIC_API_KEY: 'sk-made-up-for-tests' });
    return runCli({
      workspace,
      runDir,
      env,
      launch: async () => ({ runDir, argv: [claudePath, '-p'], stdin: 'Do it.', env, timeoutMs }),
      clock: systemClock,
      signal: new AbortController().signal,
      onActivity: () => {},
      limits: { ...defaultLimits, ...limits },
    });
  }

  /** A number that the script left in a file of the worktree. */
  async number(name: string): Promise<number> {
    return Number(await readFile(join(this.room.worktree, name), 'utf8'));
  }

  async close(): Promise<void> {
    await this.isolation.reap(new Set());
    await this.program.remove();
    await this.room.close();
  }

  private workspace(claudePath: string): Promise<Workspace> {
    const request = this.room.leaseRequest(leaseIdOf(8081, 1), claudePath);
    return this.isolation.acquire(request, new AbortController().signal);
  }
}
