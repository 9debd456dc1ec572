import { isBudgetSpent } from '../domain/budget.ts';
import { followingStage, nextRunOf } from '../domain/progress.ts';
import type { Stage } from '../domain/stage.ts';
import type { Run, Task } from '../domain/task.ts';
import type { ExpectedProgram } from '../ports/isolation.ts';
import type { WorktreeManager } from '../worktrees/worktreeManager.ts';
import { definitions } from './definitions.ts';
import type { StageContext, StageDefinition } from './stageDefinition.ts';
import { stageProgram } from './stageProgram.ts';
import { type PromptSources, readPromptSources, writePromptFiles } from './stagePrompt.ts';
import type { StageRunRequest } from './stageRunRequest.ts';
import type { StageTree } from './stageTree.ts';
import { nothingDone, resultOf } from './work.ts';

export interface EndedStage {
  /** What it handed in, checked. */
  readonly output: unknown;
  readonly costUsd: number;
  /** The commit it began with. */
  readonly head: string;
  readonly sources: Promise<PromptSources>;
}

/**
 * Has the CLI of a run that follows at once started before the run begins, while git and the database are at work: it takes
 * longer to start than they do, and reads nothing of the worktree's files before it has its prompt.
 */
export class ExpectedRuns {
  private readonly tree: StageTree;
  private readonly worktrees: WorktreeManager;
  private readonly cliEnvironment: () => Readonly<Record<string, string>>;

  constructor(
    tree: StageTree,
    worktrees: WorktreeManager,
    cliEnvironment: () => Readonly<Record<string, string>>,
  ) {
    this.tree = tree;
    this.worktrees = worktrees;
    this.cliEnvironment = cliEnvironment;
  }

  /** For a task that has its workspace. Only what a first stage is started with stands in the task itself. */
  async first(request: Pick<StageRunRequest, 'task' | 'workspace' | 'worktree' | 'runDirOf'>): Promise<void> {
    const { task, worktree } = request;
    if (task.stage !== 'specification' || isBudgetSpent(task)) return;
    const { title, description } = task;
    await this.expect(task.stage, request, async () => ({
      rules: (await readPromptSources(definitions[task.stage], { task, worktree }, this.worktrees)).rules,
      context: {
        request: { type: 'request', format: 1, title, description },
        specification: null,
        implementation: null,
        qa: null,
      },
    }));
  }

  /** For a stage that ended well, as far as its CLI knows. */
  async after(definition: StageDefinition, request: StageRunRequest, ended: EndedStage): Promise<void> {
    const task = withCost(request.task, request.run, ended.costUsd);
    const stage = followingStage(task, request.run.stage);
    if (stage === null) return;
    await this.expect(stage, { ...request, task }, async () => {
      // What it will say of the work is not known yet; nothing that the next program is started with depends on that.
      const bundle = definition.bundle(ended.output, resultOf(request, nothingDone(ended.head), null));
      return {
        rules: (await ended.sources).rules,
        context: { ...request.context, [bundle.type]: bundle },
      };
    });
  }

  private async expect(
    stage: Stage,
    { task, workspace, runDirOf }: Pick<StageRunRequest, 'task' | 'workspace' | 'runDirOf'>,
    inputs: () => Promise<{ readonly rules: string | null; readonly context: StageContext }>,
  ): Promise<void> {
    const definition = definitions[stage];
    const program = async (): Promise<ExpectedProgram> => {
      const { rules, context } = await inputs();
      const { runId: id } = nextRunOf(task, stage);
      const runDir = runDirOf(id);
      await this.tree.makeRunDirectory(workspace, runDir);
      await writePromptFiles(definition, runDir, rules);
      const run = { id, stage };
      return stageProgram(definition, { task, run, runDir, workspace, context }, this.cliEnvironment());
    };
    const isTestedFirst = definition.reads.tests && task.settings.testCommand !== null;
    // Whatever stands in its way, the run itself will meet it and tell.
    await workspace.expectRun(isTestedFirst ? null : program).catch(() => undefined);
  }
}

/** The task with what the run has cost. */
function withCost(task: Task, { id }: Run, costUsd: number): Task {
  return { ...task, runs: task.runs.map((run) => (run.id === id ? { ...run, costUsd } : run)) };
}
