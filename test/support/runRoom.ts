import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseIdOf, taskIdOf } from '../../src/engine/domain/ids.ts';
import { type LeaseRequest, standing } from '../../src/engine/ports/isolation.ts';
import { processTable } from '../../src/engine/process/processTable.ts';
import { readIfPresent } from '../../src/engine/process/runDirectory.ts';
import type { SupervisorLaunch } from '../../src/engine/process/supervisorProtocol.ts';

/** A folder for one test with a worktree and run directories; programs in it talk with the test through files. */
export class RunRoom {
  readonly path: string;
  readonly worktree: string;
  private runs = 0;

  private constructor(path: string) {
    this.path = path;
    this.worktree = join(path, 'worktree');
  }

  static async open(): Promise<RunRoom> {
    const room = new RunRoom(await mkdtemp(join(tmpdir(), 'orch-')));
    await mkdir(room.worktree);
    return room;
  }

  async close(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  async runDir(): Promise<string> {
    this.runs += 1;
    const path = join(this.path, `run-${this.runs}`);
    await mkdir(path);
    return path;
  }

  /** For a lease of the first slot on the worktree; every run directory of the room is its own. */
  leaseRequest(leaseId = leaseIdOf(8081, 1), claudePath: string | null = null): LeaseRequest {
    return {
      leaseId,
      taskId: taskIdOf('6f1c0f9e-0000-4000-8000-000000000001'),
      port: 8081,
      worktree: standing({ path: this.worktree, commonGitDir: join(this.path, '.git') }),
      runsPath: this.path,
      claudePath,
      image: null,
    };
  }

  /** A shell script in the worktree, as a launch. */
  script(text: string, options: Partial<SupervisorLaunch> = {}): SupervisorLaunch {
    return {
      argv: ['sh', '-c', text],
      cwd: this.worktree,
      env: { PATH: process.env['PATH'] ?? '' },
      timeoutMs: 60_000,
      ...options,
    };
  }

  /** Lets a script that waits for this file go on. */
  async say(name: string): Promise<void> {
    await writeFile(join(this.worktree, name), '');
  }

  /** The lines of a file in the worktree, once there are so many. */
  async lines(name: string, count: number): Promise<readonly string[]> {
    const path = join(this.worktree, name);
    return await untilChanged(this.worktree, async () => {
      const lines = ((await readIfPresent(path)) ?? '').split('\n').slice(0, -1);
      return lines.length >= count ? lines : null;
    });
  }

  /** All of a run directory's files by name. */
  async filesOf(runDir: string): Promise<ReadonlyMap<string, string>> {
    const names = await readdir(runDir);
    return new Map(
      await Promise.all(
        names.map(async (name) => [name, await readFile(join(runDir, name), 'utf8')] as const),
      ),
    );
  }
}

/** In a script: waits for `RunRoom.say`. */
export const waitFor = (name: string): string => `while [ ! -e ${name} ]; do sleep 0.05; done`;

/** The look's first answer that is not null, looking again at each change in the folder. */
async function untilChanged<T>(folder: string, look: () => Promise<T | null>): Promise<T> {
  let changed = (): void => {};
  const watcher = watch(folder, () => changed());
  try {
    for (;;) {
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const answer = await look();
      if (answer !== null) return answer;
      await change;
    }
  } finally {
    watcher.close();
  }
}

export async function runs(pid: number | string): Promise<boolean> {
  return (await processTable.startTimeOf(Number(pid))) !== null;
}
