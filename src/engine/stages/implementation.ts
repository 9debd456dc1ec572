import type { ImplementationBundle } from '../context/bundle.ts';
import { implementationPrompt, implementationRole } from './prompts/implementationPrompt.ts';
import { specificationOf, type StageDefinition } from './stageDefinition.ts';
import { implementationOutput } from './stageOutput.ts';

/** Changes the worktree by the specification, or mends what QA found; the engine commits. */
export const implementation: StageDefinition<ReturnType<typeof implementationOutput>> = {
  stage: 'implementation',
  role: implementationRole,
  prompt: (context, notes, { qa }) => implementationPrompt(context, notes, qa !== null),
  reads: { diff: false, tests: false },
  changes: true,
  output: (context) => implementationOutput(specificationOf(context).criteria),
  bundle: (output, result): ImplementationBundle => ({
    type: 'implementation',
    format: 1,
    summary: output.summary,
    criteria: Object.entries(output.criteria).map(([id, { how }]) => ({ id, how })),
    baseCommit: result.baseCommit,
    commit: result.commit,
    changedFiles: [...result.changedFiles],
    diffStat: result.diffStat,
  }),
  verdict: () => null,
};
