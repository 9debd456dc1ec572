import { commandLine } from '../claude/commandLine.ts';
import { budgetLeftUsd } from '../domain/budget.ts';
import type { Run } from '../domain/task.ts';
import type { ExpectedProgram } from '../ports/isolation.ts';
import { secretValuesOf } from '../process/redactor.ts';
import { agentIdentity } from '../worktrees/surroundings.ts';
import { sessionIdOf } from './sessionId.ts';
import type { StageDefinition } from './stageDefinition.ts';
import { jsonSchemaOf } from './stageOutput.ts';
import { promptFiles } from './stagePrompt.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

/** What it depends on: of a run under way, or of one that is only expected. */
export type StageProgramRequest = Pick<StageRunRequest, 'task' | 'runDir' | 'workspace' | 'context'> & {
  readonly run: Pick<Run, 'id' | 'stage'>;
};

/** The CLI for a stage's run: all that it is started with but its prompt. */
export async function stageProgram(
  definition: StageDefinition,
  { task, run, runDir, workspace, context }: StageProgramRequest,
  env: Readonly<Record<string, string>>,
): Promise<ExpectedProgram> {
  const settings = task.settings.stages[run.stage];
  const { systemPrompt, contextFolder } = promptFiles(runDir);
  const leftUsd = budgetLeftUsd(task) ?? Infinity;
  const argv = commandLine({
    claudePath: await workspace.claude(),
    stage: run.stage,
    isolation: workspace.isolation,
    sessionId: sessionIdOf(run.id),
    session: secretValuesOf(env).length === 0 ? 'kept' : 'not-kept',
    systemPromptPath: workspace.pathInside(systemPrompt),
    settings: { ...settings, maxBudgetUsd: Math.min(settings.maxBudgetUsd, leftUsd) },
    testCommand: task.settings.testCommand,
    schema: jsonSchemaOf(definition.output(context)),
    readableDirectories: [workspace.pathInside(contextFolder)],
  });
  return { argv, env: { ...env, ...agentIdentity } };
}
