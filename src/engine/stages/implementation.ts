import type { ImplementationBundle, QaBundle } from '../context/bundle.ts';
import {
  type ImplementationJob,
  implementationPrompt,
  implementationRole,
} from './prompts/implementationPrompt.ts';
import { specificationOf, type StageDefinition } from './stageDefinition.ts';
import { implementationOutput } from './stageOutput.ts';

/** Changes the worktree by the specification, or mends what QA found; the engine commits. */
export const implementation: StageDefinition<ReturnType<typeof implementationOutput>> = {
  stage: 'implementation',
  role: implementationRole,
  prompt: (context, notes, { implementation: earlier, qa }) =>
    implementationPrompt(context, notes, jobOf(earlier !== null, qa?.verdict ?? null)),
  heeds: ['implementation'],
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

function jobOf(isDone: boolean, verdict: QaBundle['verdict'] | null): ImplementationJob {
  if (verdict === 'fail') return 'mend';
  return isDone ? 'change' : 'first';
}
