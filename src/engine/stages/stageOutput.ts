import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import type { SpecificationBundle } from '../context/bundle.ts';

/** What the specification stage must answer with. The criteria are numbered by us, not by the model. */
export const specificationOutput = v.object({
  spec_markdown: v.pipe(v.string(), v.minLength(1), v.description('The specification, as Markdown.')),
  acceptance_criteria: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1))),
    v.minLength(1),
    v.description('One checkable statement each; they are numbered AC-1, AC-2, ... in this order.'),
  ),
  open_questions: v.pipe(
    v.array(v.string()),
    v.description('What only the person can decide; empty if nothing.'),
  ),
  files: v.pipe(v.array(v.string()), v.description('Repository-relative paths that will change or matter.')),
  risks: v.array(v.string()),
});

/**
 * A property for each criterion, all required: the CLI itself makes the model go on until each one is answered, so
 * none can be forgotten.
 */
function perCriterion<Entry extends v.GenericSchema>(
  criteria: SpecificationBundle['criteria'],
  entry: Entry,
) {
  return v.object(
    Object.fromEntries(
      criteria.map(({ id, text }) => [id, v.pipe(entry, v.description(text.slice(0, 300)))]),
    ),
  );
}

/** What the implementation stage must answer with. */
export const implementationOutput = (criteria: SpecificationBundle['criteria']) =>
  v.object({
    summary: v.pipe(v.string(), v.minLength(1), v.description('What was changed and why, for the reviewer.')),
    criteria: perCriterion(criteria, v.object({ how: v.string() })),
  });

/** What the QA stage must answer with. */
export const qaOutput = (criteria: SpecificationBundle['criteria']) =>
  v.object({
    verdict: v.picklist(['pass', 'fail']),
    summary: v.pipe(v.string(), v.minLength(1)),
    criteria: perCriterion(
      criteria,
      v.object({
        verdict: v.picklist(['pass', 'fail']),
        evidence: v.pipe(
          v.string(),
          v.minLength(1),
          v.description('File and line, test name, or output that shows it.'),
        ),
      }),
    ),
    findings: v.array(
      v.object({
        severity: v.picklist(['blocker', 'major', 'minor']),
        message: v.string(),
        file: v.optional(v.string()),
        line: v.optional(v.number()),
      }),
    ),
  });

/** The JSON Schema handed to the CLI. */
export function jsonSchemaOf(schema: v.GenericSchema): object {
  return toJsonSchema(schema, { errorMode: 'throw' });
}
