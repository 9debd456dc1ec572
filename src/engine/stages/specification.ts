import type { SpecificationBundle } from '../context/bundle.ts';
import { specificationPrompt, specificationRole } from './prompts/specificationPrompt.ts';
import type { StageDefinition } from './stageDefinition.ts';
import { specificationOutput } from './stageOutput.ts';

/** Reads the repository, writes `spec.md` and the acceptance criteria; changes nothing. */
export const specification: StageDefinition<typeof specificationOutput> = {
  stage: 'specification',
  role: specificationRole,
  prompt: (context, notes, { specification: draft }) => specificationPrompt(context, notes, draft !== null),
  heeds: ['specification'],
  reads: { diff: false, tests: false },
  changes: false,
  output: () => specificationOutput,
  bundle: (output): SpecificationBundle => ({
    type: 'specification',
    format: 1,
    markdown: output.spec_markdown,
    criteria: output.acceptance_criteria.map((text, index) => ({ id: `AC-${index + 1}`, text })),
    openQuestions: output.open_questions,
    files: output.files,
    risks: output.risks,
  }),
  verdict: () => null,
};
