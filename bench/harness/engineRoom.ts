import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import type { IsolationKind, Task } from '../../src/engine/domain/task.ts';
import { openOrchestrator, type Orchestrator } from '../../src/engine/openOrchestrator.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import type { SettingsInput } from '../../src/engine/settings.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { makeSampleRepository } from '../../test/support/sampleRepository.ts';
import { type BenchContext, Skipped } from './bench.ts';
import { newTask } from './task.ts';

/** The real engine in this process, on a sample repository, with what it runs made for the bench. */
export class EngineRoom {
  readonly repository: string;
  readonly storage: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly worktrees: WorktreeManager;
  readonly orchestrator: Orchestrator;
  private readonly settings: SettingsInput;

  private constructor(
    place: { readonly repository: string; readonly storage: string },
    environment: Readonly<Record<string, string>>,
    worktrees: WorktreeManager,
    orchestrator: Orchestrator,
    settings: SettingsInput,
  ) {
    this.repository = place.repository;
    this.storage = place.storage;
    this.environment = environment;
    this.worktrees = worktrees;
    this.orchestrator = orchestrator;
    this.settings = settings;
  }

  /** `baseUrl`: where the CLI finds its model; null with a stand-in for the CLI. */
  static async open(
    { scratch, distFolder, root }: Pick<BenchContext, 'scratch' | 'distFolder' | 'root'>,
    options: {
      readonly settings: SettingsInput;
      readonly baseUrl: string | null;
      readonly repository?: string;
    },
  ): Promise<EngineRoom> {
    const storage = join(scratch, 'storage');
    const repository = options.repository ?? (await makeSampleRepository(join(scratch, 'sample')));
    // The CLI keeps its sessions there, and must not find the person's own.
    process.env['HOME'] = join(scratch, 'home');
    await mkdir(process.env['HOME'], { recursive: true });
    // As people have: without a name git is asked twice for a commit.
    await writeFile(
      join(process.env['HOME'], '.gitconfig'),
      '[user]\n\tname = A person\n\temail = person@localhost\n',
    );
    const environment = {
      ANTHROPIC_API_KEY: 'no-key-is-needed-here',
      ...(options.baseUrl === null ? {} : { ANTHROPIC_BASE_URL: options.baseUrl }),
    };
    const worktrees = new WorktreeManager({
      repositoryPath: repository,
      worktreesDir: join(storage, 'worktrees'),
    });
    const orchestrator = await openOrchestrator({
      worktrees,
      repository: { path: repository, name: 'sample' },
      storage,
      distFolder,
      containerFolder: join(root, 'media', 'container'),
      environment,
      clock: systemClock,
      logger: silentLogger,
      drive: 'all',
      holder: 'a bench',
      onProgress: () => {},
    });
    await orchestrator.start();
    return new EngineRoom({ repository, storage }, environment, worktrees, orchestrator, options.settings);
  }

  /** Creates a task and takes it through all stages; fails unless it completes. */
  async complete(): Promise<Task> {
    const { id, command, bundles } = newTask(this.settings);
    const { service } = this.orchestrator;
    const rejection = await this.orchestrator.dispatch(command, bundles);
    if (rejection !== null) throw new Error(rejection.message);
    await service.until(() => !service.isMoving(id));
    const task = service.task(id);
    if (task?.phase.type !== 'completed')
      throw new Error(`The task did not complete: ${JSON.stringify(task?.phase)}`);
    return task;
  }

  /** Merges the task away: worktree, branch and lease go. */
  async finish(task: Task): Promise<void> {
    const { service } = this.orchestrator;
    const rejection = await this.orchestrator.dispatch({ type: 'cancel', taskId: task.id }, []);
    if (rejection !== null) throw new Error(rejection.message);
    await service.settled(task.id);
  }

  close(): Promise<void> {
    return this.orchestrator.close();
  }
}

/** Work in a room of its own, with the played model; both are gone afterwards, and so are its containers. */
export async function inRoom<Result>(
  context: BenchContext,
  options: { readonly settings: SettingsInput; readonly modelHost: string },
  work: (room: EngineRoom, model: { readonly pid: number }) => Promise<Result>,
): Promise<Result> {
  const model = await startModel(context.programs, options.modelHost);
  try {
    const room = await EngineRoom.open(context, { settings: options.settings, baseUrl: model.url });
    try {
      return await work(room, model);
    } finally {
      await room.close();
    }
  } finally {
    await model.stop();
  }
}

/** The part of a settled task that a bench goes on with. */
export function worktreeOf({ worktree }: Task): NonNullable<Task['worktree']> {
  if (worktree === null) throw new Error('The task has no worktree');
  return worktree;
}

/** The address that both this machine and its containers reach. */
export async function hostAddress(isolation: IsolationKind): Promise<string> {
  if (isolation === 'process') return '127.0.0.1';
  try {
    const address = await (await openDockerEngine()).bridgeAddress();
    if (address !== null) return address;
  } catch (error) {
    throw new Skipped('no Docker engine answers', { cause: error });
  }
  throw new Skipped('the Docker engine has no bridge');
}

/** The played model as a process of its own. */
export async function startModel(
  programs: string,
  host: string,
): Promise<{ readonly url: string; readonly pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(programs, 'model.mjs'), host], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const ended = once(child, 'exit');
  return {
    url: `http://${host}:${line.toString().trim()}`,
    pid: child.pid ?? 0,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
