import * as v from 'valibot';
import type { Stage } from '../../src/engine/domain/stage.ts';
import { answersSoFar, promptOf, sessionOf, type MessagesRequest } from './messagesRequest.ts';
import type { PlayModel, Step, ToolCall } from './scriptedMessagesApi.ts';

/** One thing the model does, in an answer of its own; `says` is the text before the tool call. */
export type Action = { readonly says?: string } & (
  | { readonly type: 'read'; readonly path: string }
  | { readonly type: 'search'; readonly pattern: string }
  | { readonly type: 'write'; readonly path: string; readonly content: string }
  /** Of a file that was read before, by an earlier `read` or `edit`. */
  | { readonly type: 'edit'; readonly path: string; readonly find: string; readonly replace: string }
  | { readonly type: 'run'; readonly command: string }
);

export interface SpecificationPart {
  readonly actions: readonly Action[];
  readonly markdown: string;
  readonly criteria: readonly string[];
  readonly openQuestions?: readonly string[];
  readonly files?: readonly string[];
  readonly risks?: readonly string[];
}

export interface ImplementationPart {
  readonly actions: readonly Action[];
  readonly summary: string;
  /** How a criterion was met, by its id; the summary for the others. */
  readonly how?: Readonly<Record<string, string>>;
}

export interface QaPart {
  readonly actions: readonly Action[];
  readonly summary: string;
  /** Evidence against a criterion, by its id. Any here, and the verdict is fail. */
  readonly failed?: Readonly<Record<string, string>>;
  /** Evidence for a criterion, by its id; the summary for the others. */
  readonly evidence?: Readonly<Record<string, string>>;
  readonly findings?: readonly {
    readonly severity: 'blocker' | 'major' | 'minor';
    readonly message: string;
    readonly file?: string;
    readonly line?: number;
  }[];
}

/** Where in a script a request stands. */
export interface Turn {
  readonly stage: Stage;
  /** 0 for the stage's first round; rework counts up, a round that was not finished is played again. */
  readonly round: number;
  /** 0 for the first answer of a conversation; a repeated request has the same number. */
  readonly turn: number;
  readonly request: MessagesRequest;
}

/** What the model does for one task, in every stage. */
export interface Script {
  /** Stands in this task's prompts and in no other's: its title. */
  readonly marker: string;
  readonly specification: SpecificationPart;
  /** By round; the last one again for every later round. */
  readonly implementation: readonly [ImplementationPart, ...ImplementationPart[]];
  readonly qa: readonly [QaPart, ...QaPart[]];
  /** Something else than the script for this request, such as an error or a wait; null = as scripted. */
  readonly onRequest?: (turn: Turn) => Step | null | Promise<Step | null>;
}

/** How fast a played model speaks. */
export interface Tempo {
  /** Before each answer. */
  readonly stepDelayMs: number;
  readonly chunkDelayMs: number;
}

const atOnce: Tempo = { stepDelayMs: 0, chunkDelayMs: 0 };

/**
 * A model that plays every stage of every scripted task at once. The stage is told by the form of answer that a request
 * offers, the task by its marker, the turn by the answers so far; only rounds are remembered.
 */
export function playedModel(scripts: readonly Script[], tempo: Tempo = atOnce): PlayModel {
  const rounds = new Rounds();
  return async (request) => {
    const prompt = promptOf(request);
    const script = scripts.find(({ marker }) => prompt.includes(marker));
    if (script === undefined) return refusal('No script has its marker in this prompt');
    const form = formOf(request);
    if (form === null) return refusal('The request offers no StructuredOutput tool of a stage');
    const { stage } = form;
    const round = rounds.of(`${script.marker}\n${stage}`, sessionOf(request));
    const turn = answersSoFar(request);
    const override = (await script.onRequest?.({ stage, round, turn, request })) ?? null;
    if (override !== null) return override;
    const { actions, conclusion } = partOf(script, form, round);
    const pace = { delayMs: tempo.stepDelayMs, chunkDelayMs: tempo.chunkDelayMs };
    const action = actions[turn];
    if (action !== undefined) return { type: 'answer', ...perform(action), ...pace };
    rounds.finish(`${script.marker}\n${stage}`, sessionOf(request));
    return { type: 'answer', ...conclusion, ...pace };
  };
}

interface Form {
  readonly stage: Stage;
  /** Ids of the criteria to answer for. */
  readonly criteria: readonly string[];
}

interface Utterance {
  readonly text: string;
  readonly tools: readonly ToolCall[];
}

const formSchema = v.object({
  properties: v.looseObject({
    criteria: v.optional(v.object({ properties: v.optional(v.record(v.string(), v.unknown()), {}) })),
  }),
});

/** The property by which each stage's answer is known. QA's has a summary too, so the implementation comes last. */
const tellingProperties: readonly (readonly [Stage, string])[] = [
  ['specification', 'spec_markdown'],
  ['qa', 'verdict'],
  ['implementation', 'summary'],
];

function formOf({ tools }: MessagesRequest): Form | null {
  const tool = tools.find(({ name }) => name === 'StructuredOutput');
  const form = v.safeParse(formSchema, tool?.input_schema);
  if (!form.success) return null;
  const { properties } = form.output;
  const [stage] = tellingProperties.find(([, property]) => property in properties) ?? [];
  if (stage === undefined) return null;
  return { stage, criteria: Object.keys(properties.criteria?.properties ?? {}) };
}

function partOf(
  script: Script,
  { stage, criteria }: Form,
  round: number,
): { readonly actions: readonly Action[]; readonly conclusion: Utterance } {
  switch (stage) {
    case 'specification': {
      const part = script.specification;
      const input = {
        spec_markdown: part.markdown,
        acceptance_criteria: part.criteria,
        open_questions: part.openQuestions ?? [],
        files: part.files ?? [],
        risks: part.risks ?? [],
      };
      return {
        actions: part.actions,
        conclusion: handIn('That is all I need to know for the specification.', input),
      };
    }
    case 'implementation': {
      const part = script.implementation[round] ?? last(script.implementation);
      const how = criteria.map((id) => [id, { how: part.how?.[id] ?? part.summary }] as const);
      const input = { summary: part.summary, criteria: Object.fromEntries(how) };
      return { actions: part.actions, conclusion: handIn('Everything in the specification is done.', input) };
    }
    case 'qa': {
      const part = script.qa[round] ?? last(script.qa);
      const failed = part.failed ?? {};
      const judge = (id: string): { readonly verdict: 'pass' | 'fail'; readonly evidence: string } => {
        const against = failed[id];
        return against === undefined
          ? { verdict: 'pass', evidence: part.evidence?.[id] ?? part.summary }
          : { verdict: 'fail', evidence: against };
      };
      const input = {
        verdict: Object.keys(failed).length === 0 ? 'pass' : 'fail',
        summary: part.summary,
        criteria: Object.fromEntries(criteria.map((id) => [id, judge(id)] as const)),
        findings: part.findings ?? [],
      };
      return { actions: part.actions, conclusion: handIn('I have checked every criterion.', input) };
    }
  }
}

const handIn = (text: string, input: object): Utterance => ({
  text,
  tools: [{ name: 'StructuredOutput', input }],
});

function perform(action: Action): Utterance {
  const say = (otherwise: string): string => action.says ?? otherwise;
  switch (action.type) {
    case 'read':
      return {
        text: say(`Let me look at ${action.path}.`),
        tools: [{ name: 'Read', input: { file_path: action.path } }],
      };
    case 'search':
      return {
        text: say('Let me see where that is used.'),
        tools: [{ name: 'Grep', input: { pattern: action.pattern, output_mode: 'content' } }],
      };
    case 'write':
      return {
        text: say(`I'll add ${action.path}.`),
        tools: [{ name: 'Write', input: { file_path: action.path, content: action.content } }],
      };
    case 'edit': {
      const input = { file_path: action.path, old_string: action.find, new_string: action.replace };
      return { text: say(`Now I'll change ${action.path}.`), tools: [{ name: 'Edit', input }] };
    }
    case 'run':
      return {
        text: say('Let me run it.'),
        tools: [{ name: 'Bash', input: { command: action.command, description: 'Run a command' } }],
      };
  }
}

/** Counts the rounds of each part: a session that got to its end makes the next session a new round. */
class Rounds {
  private readonly parts = new Map<
    string,
    { readonly ofSession: Map<string, number>; finished: Set<string> }
  >();

  of(part: string, session: string): number {
    const { ofSession, finished } = this.part(part);
    const known = ofSession.get(session) ?? finished.size;
    ofSession.set(session, known);
    return known;
  }

  finish(part: string, session: string): void {
    this.part(part).finished.add(session);
  }

  private part(name: string) {
    const part = this.parts.get(name) ?? {
      ofSession: new Map<string, number>(),
      finished: new Set<string>(),
    };
    this.parts.set(name, part);
    return part;
  }
}

/** Ends the run at once, with the reason in its failure. */
const refusal = (message: string): Step => ({ type: 'error', status: 403, message });

function last<Part>(parts: readonly [Part, ...Part[]]): Part {
  return parts[parts.length - 1] ?? parts[0];
}
