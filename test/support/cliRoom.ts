import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Activity } from '../../src/engine/claude/activity.ts';
import { runCli } from '../../src/engine/claude/cliRun.ts';
import { commandLine } from '../../src/engine/claude/commandLine.ts';
import { cliEnvironment } from '../../src/engine/claude/environment.ts';
import type { CliOutcome } from '../../src/engine/claude/outcome.ts';
import type { CliMessage } from '../../src/engine/claude/streamMessages.ts';
import { StreamParser } from '../../src/engine/claude/streamParser.ts';
import type { CliLimits } from '../../src/engine/claude/watchdog.ts';
import type { Stage } from '../../src/engine/domain/stage.ts';
import type { IsolationKind, StageSettings } from '../../src/engine/domain/task.ts';
import { runFiles } from '../../src/engine/process/runDirectory.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { ScriptedMessagesApi, type PlayModel } from './scriptedMessagesApi.ts';
import { SpawningWorkspace } from './spawningWorkspace.ts';

/** The real CLI, which is installed for development. */
const claudePath = resolve('node_modules/.bin/claude');

export interface CliRoomRun {
  readonly stage: Stage;
  readonly model: PlayModel;
  readonly schema: object;
  readonly prompt?: string;
  readonly isolation?: IsolationKind;
  readonly settings?: Partial<StageSettings>;
  readonly testCommand?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: CliLimits;
  /** Called with each activity, while the run goes on. */
  readonly onActivity?: (activity: Activity, workspace: SpawningWorkspace) => void;
}

export interface CliRoomReport {
  readonly outcome: CliOutcome;
  readonly messages: readonly CliMessage[];
  readonly activities: readonly Activity[];
  readonly api: ScriptedMessagesApi;
}

/** A folder for one test in which the real CLI runs a stage against a scripted service, with a home of its own. */
export class CliRoom {
  readonly path: string;
  readonly worktree: string;
  /** The agent may read it. */
  readonly contextFolder: string;
  private runs = 0;

  private constructor(path: string) {
    this.path = path;
    this.worktree = join(path, 'worktree');
    this.contextFolder = join(path, 'context');
  }

  static async open(files: Readonly<Record<string, string>> = {}): Promise<CliRoom> {
    const room = new CliRoom(await mkdtemp(join(tmpdir(), 'orch-')));
    for (const name of ['worktree', 'context', 'home', 'tmp']) await mkdir(join(room.path, name));
    for (const [name, content] of Object.entries(files)) await room.write(name, content);
    return room;
  }

  async close(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  async run(options: CliRoomRun): Promise<CliRoomReport> {
    this.runs += 1;
    const runDir = join(this.path, `run-${this.runs}`);
    await mkdir(runDir);
    const systemPromptPath = join(runDir, 'system.md');
    await writeFile(systemPromptPath, 'You take part in a test.\n');
    const workspace = new SpawningWorkspace({
      worktreePath: this.worktree,
      claudePath,
      env: {
        HOME: join(this.path, 'home'),
        TMPDIR: join(this.path, 'tmp'),
        PATH: process.env['PATH'] ?? '',
        LANG: 'C.UTF-8',
      },
    });
    const argv = commandLine({
      claudePath,
      stage: options.stage,
      isolation: options.isolation ?? 'process',
      sessionId: randomUUID(),
      session: 'not-kept',
      systemPromptPath,
      settings: {
        model: null,
        maxTurns: 20,
        maxBudgetUsd: 5,
        timeoutMs: 60_000,
        allowedTools: [],
        ...options.settings,
      },
      testCommand: options.testCommand ?? null,
      schema: options.schema,
      readableDirectories: [this.contextFolder],
    });
    const api = await new ScriptedMessagesApi({ model: options.model }).start();
    const activities: Activity[] = [];
    try {
      const credentials = { ANTHROPIC_API_KEY: 'sk-made-up-for-tests', ANTHROPIC_BASE_URL: api.url };
      const env = { ...cliEnvironment(credentials), CLAUDE_CODE_MAX_RETRIES: '1', ...options.env };
      const stdin = options.prompt ?? 'Do what the stage is for.';
      const outcome = await runCli({
        workspace,
        runDir,
        env,
        launch: async () => ({ runDir, argv, stdin, env, timeoutMs: 60_000 }),
        clock: systemClock,
        signal: new AbortController().signal,
        onActivity: (activity) => {
          activities.push(activity);
          options.onActivity?.(activity, workspace);
        },
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      });
      const messages = new StreamParser().push(await readFile(join(runDir, runFiles.stdout)));
      return { outcome, messages, activities, api };
    } finally {
      await api.close();
    }
  }

  async write(name: string, content: string): Promise<void> {
    const path = join(this.worktree, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  async read(name: string): Promise<string> {
    return readFile(join(this.worktree, name), 'utf8');
  }
}
