import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { placeContext, type ContextPart } from '../context/promptContext.ts';
import { renderBundle, renderTests } from '../context/render.ts';
import type { TestRun } from '../context/bundle.ts';
import type { Task } from '../domain/task.ts';
import { writeWhole } from '../process/runDirectory.ts';
import type { WorktreeManager } from '../worktrees/worktreeManager.ts';
import { projectRules } from './prompts/projectRules.ts';
import type { StageDefinition } from './stageDefinition.ts';
import type { StageRunRequest } from './stageRunRequest.ts';

/** The files of a run that the CLI reads besides its prompt. */
export interface PromptFiles {
  readonly systemPrompt: string;
  readonly contextFolder: string;
}

export function promptFiles(runDir: string): PromptFiles {
  return { systemPrompt: join(runDir, 'system.md'), contextFolder: join(runDir, 'context') };
}

/** What a prompt takes from the repository. */
export interface PromptSources {
  readonly rules: string | null;
  readonly diff: string | null;
}

export async function readPromptSources(
  definition: StageDefinition,
  { task, worktree }: Pick<StageRunRequest, 'task' | 'worktree'>,
  worktrees: WorktreeManager,
): Promise<PromptSources> {
  // From the base commit: an agent must not write the rules of the stage after it.
  const [rules, diff] = await Promise.all([
    task.settings.trustRepository ? worktrees.readBaseFile(worktree, 'CLAUDE.md') : null,
    definition.reads.diff ? worktrees.diff(worktree) : null,
  ]);
  return { rules, diff };
}

/** Writes what the CLI wants to find when it starts. `rules`: the repository's own, where the person trusts them. */
export async function writePromptFiles(
  { role }: StageDefinition,
  runDir: string,
  rules: PromptSources['rules'],
): Promise<void> {
  const { systemPrompt, contextFolder } = promptFiles(runDir);
  await writeWhole(systemPrompt, `${role}${projectRules(rules)}\n`);
  await mkdir(contextFolder, { recursive: true });
}

/** Writes the files of the run that its prompt goes with, those included that hold what does not fit into it; returns the prompt. */
export async function composePrompt(
  definition: StageDefinition,
  request: Pick<StageRunRequest, 'task' | 'runDir' | 'workspace' | 'context' | 'inputs'>,
  tests: TestRun | null,
  { rules, diff }: PromptSources,
): Promise<string> {
  const { task, runDir, workspace, context } = request;
  const { contextFolder } = promptFiles(runDir);
  await writePromptFiles(definition, runDir, rules);
  const parts: ContextPart[] = request.inputs.map(({ digest, bundle }) => ({
    name: bundle.type === 'qa' ? 'qa-report' : bundle.type,
    digest,
    text: renderBundle(bundle),
  }));
  if (diff !== null) parts.push({ name: 'diff', digest: null, text: diff });
  if (tests !== null) parts.push({ name: 'tests', digest: null, text: renderTests(tests) });
  const placed = await placeContext(parts, contextFolder, (path) => workspace.pathInside(path));
  return definition.prompt(placed, renderNotes(task, definition), context);
}

function renderNotes(task: Task, { heeds }: StageDefinition): string {
  const notes = task.notes.filter((note) => heeds.includes(note.stage));
  if (notes.length === 0) return '';
  const list = notes.map(({ text }) => `- ${text}`).join('\n');
  return `\nThe person sent work on this task back with these words, which come before everything above, the newest last:\n\n${list}\n`;
}
