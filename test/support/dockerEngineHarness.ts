import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ContainerEngine } from '../../src/engine/allocation/containerEngine.ts';
import { labels } from '../../src/engine/allocation/containerSpec.ts';
import type { DockerIsolationOptions } from '../../src/engine/allocation/dockerIsolation.ts';
import { DockerIsolation } from '../../src/engine/allocation/dockerIsolation.ts';
import { ContainerImages, type PreparedImage } from '../../src/engine/allocation/image.ts';
import type { SlotPort } from '../../src/engine/domain/allocation.ts';
import { leaseIdOf, taskIdOf } from '../../src/engine/domain/ids.ts';
import type { Clock } from '../../src/engine/ports/clock.ts';
import {
  type Checkout,
  type ExitRecord,
  type Launch,
  type LeaseRequest,
  standing,
  type Workspace,
} from '../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { createRunDirectory, runFiles } from '../../src/engine/process/runDirectory.ts';

class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  at(at: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.max(0, at - Date.now()));
    return () => clearTimeout(timer);
  }
}

const claudeExecutable = join(
  dirname(createRequire(import.meta.url).resolve('@anthropic-ai/claude-code/package.json')),
  'bin',
  'claude.exe',
);

const buildContext = resolve(import.meta.dirname, '../../media/container');

/** The base image of `media/container/Dockerfile`; the Docker suites run on it. */
export const baseImage = 'node:24-bookworm-slim';

/** A repository with one worktree, as the engine makes them, in a folder of its own. */
export class RepositoryFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'orch-'));
  readonly repository = join(this.folder, 'repository');
  readonly worktree = join(this.folder, 'worktree');
  readonly runs = join(this.folder, 'runs');
  readonly branch = 'task/one';
  readonly commit: string;

  constructor() {
    for (const folder of [this.repository, this.runs]) mkdirSync(folder);
    this.git('init', '--quiet', '--initial-branch=main');
    writeFileSync(join(this.repository, 'file.txt'), 'one\n');
    this.git('add', '.');
    this.git('commit', '--quiet', '--message=first');
    this.git('worktree', 'add', '--quiet', '-b', this.branch, this.worktree);
    this.commit = this.git('rev-parse', 'HEAD').trim();
  }

  /** Runs git in the main repository, or with the worktree's own metadata; never by way of the worktree's `.git`. */
  git(...args: string[]): string {
    const identity = ['-c', 'user.name=Host', '-c', 'user.email=host@localhost'];
    return execFileSync('git', [...identity, ...args], {
      cwd: this.repository,
      encoding: 'utf8',
      env: gitEnvironment,
    });
  }

  gitInWorktree(...args: string[]): string {
    return this.git(
      `--git-dir=${join(this.repository, '.git/worktrees/worktree')}`,
      `--work-tree=${this.worktree}`,
      ...args,
    );
  }

  /** Where the host keeps what it knows of the worktree's files. */
  get indexFile(): string {
    return join(this.repository, '.git/worktrees/worktree/index');
  }

  /** For a run in the worktree. */
  checkout(commit: string = this.commit): Checkout {
    return { branch: this.branch, commit, indexFile: this.indexFile };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const gitEnvironment = {
  PATH: process.env.PATH,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

/** Leases on the real Docker engine under storage ids of its own; `close` removes whatever is left of them. */
export class DockerHarness {
  readonly engine: ContainerEngine;
  private readonly isolations: DockerIsolation[] = [];
  private readonly repositories: RepositoryFixture[] = [];
  private readonly storageIds = new Set<string>();

  private constructor(engine: ContainerEngine) {
    this.engine = engine;
  }

  static async open(): Promise<DockerHarness> {
    // Loaded here, so that tests without Docker do not load its client.
    const { openDockerEngine } = await import('../../src/engine/allocation/dockerEngine.ts');
    return new DockerHarness(await openDockerEngine());
  }

  repository(): RepositoryFixture {
    const repository = new RepositoryFixture();
    this.repositories.push(repository);
    return repository;
  }

  storageId(): string {
    return `test-${randomUUID()}`;
  }

  isolation(options: Partial<DockerIsolationOptions> = {}): DockerIsolation {
    const storageId = options.storageId ?? this.storageId();
    this.storageIds.add(storageId);
    const isolation = new DockerIsolation({
      storageId,
      buildContext,
      logger: silentLogger,
      clock: new RealClock(),
      onProgress: () => {},
      ...options,
    });
    this.isolations.push(isolation);
    return isolation;
  }

  /** The image that users get, built if it is not there. */
  async ownImage(): Promise<PreparedImage> {
    const storageId = this.storageId();
    this.storageIds.add(storageId);
    const images = new ContainerImages({
      engine: this.engine,
      storageId,
      buildContext,
      user: { uid: 1000, gid: 1000 },
      onProgress: () => {},
    });
    return images.prepare(null);
  }

  /** Ids of this storage's containers. */
  async containers(storageId: string): Promise<readonly string[]> {
    return (await this.engine.list({ [labels.storage]: storageId })).map((container) => container.id);
  }

  /** All that Docker tells about a container and its commands, read past the code under test. */
  inspect(id: string): unknown {
    return JSON.parse(execFileSync('docker', ['inspect', id], { encoding: 'utf8' }));
  }

  /** Names of containers that any test has left behind. */
  async leftovers(): Promise<readonly string[]> {
    const all = await this.engine.list({});
    return all.filter((each) => each.labels[labels.storage]?.startsWith('test-')).map((each) => each.name);
  }

  /** Removes all that the test made. */
  async close(): Promise<void> {
    await Promise.all(this.isolations.map((isolation) => isolation.close()));
    for (const storageId of this.storageIds) {
      for (const id of await this.containers(storageId)) await this.engine.remove(id);
    }
    for (const repository of this.repositories) repository.remove();
  }
}

/** A lease on the base image, with Claude Code from this project's own packages. */
export function leaseRequest(repository: RepositoryFixture, port: SlotPort, generation = 1): LeaseRequest {
  return {
    leaseId: leaseIdOf(port, generation),
    taskId: taskIdOf(`00000000-0000-4000-8000-00000000${port}`),
    port,
    worktree: standing({ path: repository.worktree, commonGitDir: join(repository.repository, '.git') }),
    runsPath: repository.runs,
    claudePath: claudeExecutable,
    image: baseImage,
  };
}

export interface FinishedRun {
  readonly runDir: string;
  readonly exit: ExitRecord;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh run directory of the fixture. */
export async function newRun(repository: RepositoryFixture): Promise<string> {
  const runDir = join(repository.runs, `run-${randomUUID()}`);
  await createRunDirectory(runDir);
  return runDir;
}

/** Starts a program and returns its run directory. */
export async function startProgram(
  repository: RepositoryFixture,
  workspace: Workspace,
  argv: Launch['argv'],
  options: Partial<Launch> = {},
): Promise<string> {
  const runDir = await newRun(repository);
  await workspace.start({ runDir, argv, stdin: '', env: {}, timeoutMs: 60_000, ...options });
  return runDir;
}

/** Runs a program to its end. */
export async function runProgram(
  repository: RepositoryFixture,
  workspace: Workspace,
  argv: Launch['argv'],
  options: Partial<Launch> = {},
): Promise<FinishedRun> {
  const runDir = await startProgram(repository, workspace, argv, options);
  const exit = await workspace.ended(runDir, AbortSignal.timeout(60_000));
  return { runDir, exit, ...outputOf(runDir) };
}

/** What a run has written so far. */
export function outputOf(runDir: string): { readonly stdout: string; readonly stderr: string } {
  const read = (name: string) =>
    existsSync(join(runDir, name)) ? readFileSync(join(runDir, name), 'utf8') : '';
  return { stdout: read(runFiles.stdout), stderr: read(runFiles.stderr) };
}
