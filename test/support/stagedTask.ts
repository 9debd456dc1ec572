import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '../../src/engine/context/bundle.ts';
import { parseBundle } from '../../src/engine/context/bundle.ts';
import { leaseIdOf, runIdOf } from '../../src/engine/domain/ids.ts';
import type { Stage } from '../../src/engine/domain/stage.ts';
import type { MergeStrategy, Task, TaskSettings } from '../../src/engine/domain/task.ts';
import { acceptWork } from '../../src/engine/effects/acceptWork.ts';
import { Preparation } from '../../src/engine/effects/preparation.ts';
import { RunPaths } from '../../src/engine/effects/runPaths.ts';
import { Workspaces } from '../../src/engine/effects/workspaces.ts';
import type { Isolation, Workspace } from '../../src/engine/ports/isolation.ts';
import { StageRunner, type StageReport } from '../../src/engine/stages/stageRunner.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import type { Worktree, WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { ActingWorkspace } from './actingWorkspace.ts';
import type { GitRepository } from './gitRepository.ts';
import { runOf, taskIn } from './viewTasks.ts';

const leaseId = leaseIdOf(8081, 1);
const signal = new AbortController().signal;

const answers: Readonly<Record<Stage, unknown>> = {
  specification: {
    spec_markdown: '# S',
    acceptance_criteria: ['It works.'],
    open_questions: [],
    files: [],
    risks: [],
  },
  implementation: { summary: 'Done.', criteria: { 'AC-1': { how: 'So.' } } },
  qa: {
    verdict: 'pass',
    summary: 'Fine.',
    criteria: { 'AC-1': { verdict: 'pass', evidence: 'Seen.' } },
    findings: [],
  },
};

/** A task's preparation and stages by the engine's own parts, one after the other as an engine has them follow. */
export class StagedTask {
  readonly manager: WorktreeManager;
  task: Task;
  /** Whether its host has Claude Code. */
  hasClaude = true;
  /** With which the programs of the next preparation exit. */
  exitCode: number | null = 0;
  private readonly preparation: Preparation;
  private readonly runner: StageRunner;
  private readonly paths: RunPaths;
  private act: (path: string) => Promise<void> = async () => {};
  private stage: Stage = 'specification';
  private attempt = 0;
  private workspace: Workspace | null = null;
  private readonly bundles = new Map<Bundle['type'], Bundle>([
    ['request', { type: 'request', format: 1, title: 'T', description: '' }],
  ]);

  constructor(repository: GitRepository, settings: Partial<TaskSettings> = {}) {
    this.manager = repository.manager();
    const task = taskIn('running');
    this.task = { ...task, settings: { ...defaultSettings, isolation: 'process', ...settings } };
    this.paths = new RunPaths(join(repository.root, 'storage'));
    const host: Isolation = {
      kind: 'process',
      acquire: async ({ worktree }) => {
        const { path } = await worktree.registered;
        const workspace = new ActingWorkspace(path, () => this.answer(path));
        workspace.hasClaude = this.hasClaude;
        workspace.exitCode = this.exitCode;
        return workspace;
      },
      release: async () => {},
      reap: async () => {},
      check: async () => {},
      close: async () => {},
    };
    const [worktrees, paths, clock] = [this.manager, this.paths, systemClock];
    this.runner = new StageRunner({
      worktrees,
      clock,
      cliEnvironment: () => ({}),
      onActivity: () => {},
    });
    const workspaces = new Workspaces({ process: host, docker: host }, paths);
    this.preparation = new Preparation({ worktrees, workspaces, stageRunner: this.runner, paths, clock });
  }

  /** The run directory of the n-th try at the setup command. */
  setupDirectory(attempt: number): string {
    return this.paths.ofSetup(this.task.id, attempt);
  }

  /** Prepares it, or finds it prepared; `setUp` is what its setup command does, should it have one. */
  async prepare(setUp: (path: string) => Promise<void> = async () => {}): Promise<Worktree> {
    this.act = setUp;
    const { worktree, workspace } = await this.preparation.prepare(this.task, leaseId, signal);
    this.workspace = workspace;
    const { path, branch, baseBranch, baseCommit } = worktree;
    this.task = { ...this.task, worktree: { path, branch, baseBranch, baseCommit } };
    return worktree;
  }

  /** Runs a stage in which the agent does this to its worktree and then answers well. */
  async run(
    stage: Stage,
    act: (path: string) => Promise<void> = async () => {},
    detach: AbortSignal = signal,
  ): Promise<StageReport> {
    if (this.workspace === null) throw new Error('Not prepared');
    this.act = act;
    this.stage = stage;
    this.attempt += 1;
    const worktree = await this.preparation.worktree(this.task);
    const id = runIdOf(this.task.id, stage, this.attempt);
    const find = <Type extends Bundle['type']>(type: Type) => {
      const found = this.bundles.get(type);
      return found === undefined ? null : (found as Extract<Bundle, { type: Type }>);
    };
    const request = find('request');
    if (request === null) throw new Error('No request');
    await mkdir(this.paths.ofTask(this.task.id), { recursive: true });
    const report = await this.runner.run(
      {
        task: this.task,
        run: runOf({ id, stage, attempt: this.attempt }),
        workspace: this.workspace,
        worktree,
        runDir: this.paths.ofRun(id),
        runDirOf: (other) => this.paths.ofRun(other),
        startFile: this.paths.startOf(id),
        inputs: [],
        context: {
          request,
          specification: find('specification'),
          implementation: find('implementation'),
          qa: find('qa'),
        },
      },
      { detach, stop: signal },
    );
    if (report.type === 'succeeded') {
      const bundle = parseBundle(report.body);
      this.bundles.set(bundle.type, bundle);
      this.task = { ...this.task, commit: report.result.commit };
    }
    return report;
  }

  /** As when a person accepts it. */
  accept(strategy: MergeStrategy): Promise<string | null> {
    return acceptWork({ worktrees: this.manager, preparation: this.preparation }, this.task, strategy);
  }

  /** The same task, by its record, where an import brought it: nothing of it is in this repository. */
  movedTo(repository: GitRepository): StagedTask {
    const moved = new StagedTask(repository);
    moved.task = this.task;
    return moved;
  }

  private async answer(path: string): Promise<unknown> {
    await this.act(path);
    return answers[this.stage];
  }
}
