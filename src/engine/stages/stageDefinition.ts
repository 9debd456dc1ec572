import type * as v from 'valibot';
import type {
  Bundle,
  ImplementationBundle,
  QaBundle,
  RequestBundle,
  SpecificationBundle,
  TestRun,
} from '../context/bundle.ts';
import type { Verdict } from '../domain/commands.ts';
import type { Stage } from '../domain/stage.ts';

/** The bundles a stage works from, as the run recorded them. */
export interface StageContext {
  readonly request: RequestBundle;
  /** The accepted one; for the stage that writes it the one that was sent back. */
  readonly specification: SpecificationBundle | null;
  readonly implementation: ImplementationBundle | null;
  readonly qa: QaBundle | null;
}

/** What is known of the work itself when a stage has ended well. */
export interface StageResult {
  readonly context: StageContext;
  readonly baseCommit: string;
  readonly commit: string;
  readonly changedFiles: readonly string[];
  readonly diffStat: string;
  readonly tests: TestRun | null;
}

/** One stage: how it is asked, what it must answer, and what the answer is worth. */
export interface StageDefinition<Schema extends v.GenericSchema = v.GenericSchema> {
  readonly stage: Stage;
  readonly role: string;
  /** `notes`: a person's words, rendered; '' when there are none. */
  prompt(context: string, notes: string, stageContext: StageContext): string;
  /** The stages whose sent-back work a person's words are for it to heed. */
  readonly heeds: readonly Stage[];
  /** What it reads beyond the bundles of earlier stages. */
  readonly reads: { readonly diff: boolean; readonly tests: boolean };
  /** Whether its work is to change the tree; a stage that must not and does has overstepped. */
  readonly changes: boolean;
  output(context: StageContext): Schema;
  bundle(output: v.InferOutput<Schema>, result: StageResult): Bundle;
  verdict(bundle: Bundle): Verdict | null;
}

/** The specification a later stage cannot be without; `decide` starts none without it. */
export function specificationOf(context: StageContext): SpecificationBundle {
  if (context.specification === null) throw new TypeError('The run was started without a specification');
  return context.specification;
}
