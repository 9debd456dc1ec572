import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { LeaseId } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Isolation, LeaseRequest, Workspace } from '../ports/isolation.ts';
import type { Logger } from '../ports/logger.ts';
import { trustedPath } from '../process/findExecutable.ts';
import { readIfPresent } from '../process/runDirectory.ts';
import { SupervisedRuns } from '../process/supervisedRuns.ts';
import { checkClaudeVersion, findHostClaude, requireHostClaude } from './hostClaude.ts';
import { ProcessWorkspace } from './processWorkspace.ts';
import { checkServiceAddress } from './serviceAddress.ts';

export interface ProcessIsolationOptions {
  /** The bundled supervisor program. */
  readonly supervisorPath: string;
  /** A Node executable, or Electron's. */
  readonly nodePath: string;
  /** Folder of this storage for the records of leases; made when missing. */
  readonly leasesDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where Claude Code is when a task does not say; by default the search path and its installer's folders. */
  readonly findClaude?: () => Promise<string | null>;
}

const leaseSuffix = '.runs';

/** Runs tasks on the host itself, without a container: for where the person chose so. Linux and macOS. */
export class ProcessIsolation implements Isolation {
  readonly kind = 'process';
  private readonly options: ProcessIsolationOptions;
  private readonly runs: SupervisedRuns;
  /** Of the leases that this process acquired. */
  private readonly worktreePaths = new Map<LeaseId, string>();

  constructor(options: ProcessIsolationOptions) {
    this.options = options;
    this.runs = new SupervisedRuns(options, options.clock);
  }

  async acquire(request: LeaseRequest, signal: AbortSignal): Promise<Workspace> {
    signal.throwIfAborted();
    const { path: worktreePath } = await request.worktree.registered;
    this.runs.prepare({ cwd: worktreePath });
    const env = baseEnvironment([worktreePath]);
    const find = this.options.findClaude ?? (() => findHostClaude(env.PATH, [worktreePath]));
    // Not found yet: a run that goes on in this lease is taken up and ended without it.
    const claude = () => requireHostClaude(request.claudePath, find, [worktreePath]);
    const leasePath = this.leasePath(request.leaseId);
    await mkdir(this.options.leasesDir, { recursive: true, mode: 0o700 });
    // Appending nothing: makes the record of a new lease and leaves that of an adopted one as it is.
    await writeFile(leasePath, '', { flag: 'a', mode: 0o600 });
    this.worktreePaths.set(request.leaseId, worktreePath);
    return new ProcessWorkspace({ worktreePath, claude, env, leasePath }, this.runs);
  }

  async release(leaseId: LeaseId): Promise<void> {
    const worktreePath = this.worktreePaths.get(leaseId);
    this.worktreePaths.delete(leaseId);
    if (worktreePath !== undefined) await this.runs.leave(worktreePath);
    const leasePath = this.leasePath(leaseId);
    const record = await readIfPresent(leasePath);
    if (record === null) return;
    await Promise.all(runsOf(record).map((runDir) => this.runs.stop(runDir)));
    await rm(leasePath, { force: true });
  }

  async reap(live: ReadonlySet<LeaseId>): Promise<void> {
    await mkdir(this.options.leasesDir, { recursive: true, mode: 0o700 });
    const leases = (await readdir(this.options.leasesDir))
      .filter((name) => name.endsWith(leaseSuffix))
      .map((name) => name.slice(0, -leaseSuffix.length) as LeaseId)
      .filter((leaseId) => !live.has(leaseId));
    for (const leaseId of leases) {
      this.options.logger.info('process.reap', { leaseId });
      await this.release(leaseId);
    }
  }

  async check({
    claudePath,
    baseUrl,
  }: {
    readonly claudePath: string | null;
    readonly baseUrl: string | null;
  }): Promise<void> {
    if (process.platform === 'win32') {
      throw new OrchestratorError('environment', 'Process isolation does not work on Windows.', {
        remedy: 'Use container isolation, or open the folder in WSL.',
      });
    }
    checkServiceAddress(baseUrl);
    const env = baseEnvironment([]);
    const find = this.options.findClaude ?? (() => findHostClaude(env.PATH));
    await checkClaudeVersion(await requireHostClaude(claudePath, find), env);
  }

  /** Runs go on without this engine, and the next one takes them up. */
  async close(): Promise<void> {
    this.runs.close();
  }

  private leasePath(leaseId: LeaseId): string {
    return join(this.options.leasesDir, `${leaseId}${leaseSuffix}`);
  }
}

/** What every program gets; `HOME` is the person's own, where a subscription's login lives. Nothing else is inherited. */
function baseEnvironment(excluded: readonly string[]): {
  readonly HOME: string;
  readonly PATH: string;
  readonly LANG: string;
} {
  return { HOME: homedir(), PATH: trustedPath(process.env['PATH'] ?? '', excluded), LANG: 'C.UTF-8' };
}

/** The run directories of a lease record. A line cut short by a crash belongs to a run that never started. */
function runsOf(record: string): readonly string[] {
  return record.split('\n').flatMap((line) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.string()), line);
    return parsed.success ? [parsed.output] : [];
  });
}
