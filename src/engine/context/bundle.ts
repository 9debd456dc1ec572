import * as v from 'valibot';

/** What the person asked for: the first context of a task. */
const requestBundle = v.object({
  type: v.literal('request'),
  format: v.literal(1),
  title: v.string(),
  description: v.string(),
});

/** What is to be built, and by which criteria it will be judged. */
const specificationBundle = v.object({
  type: v.literal('specification'),
  format: v.literal(1),
  /** `spec.md`, whole. */
  markdown: v.string(),
  /** `AC-1`, `AC-2`, ... numbered by the engine. */
  criteria: v.array(v.object({ id: v.string(), text: v.string() })),
  openQuestions: v.array(v.string()),
  files: v.array(v.string()),
  risks: v.array(v.string()),
});

/** What was built, as a commit and in words. */
const implementationBundle = v.object({
  type: v.literal('implementation'),
  format: v.literal(1),
  summary: v.string(),
  criteria: v.array(v.object({ id: v.string(), how: v.string() })),
  baseCommit: v.string(),
  commit: v.string(),
  /** Against the base commit: what the branch as a whole changes. */
  changedFiles: v.array(v.string()),
  diffStat: v.string(),
});

const testRun = v.object({
  command: v.string(),
  /** null when it was ended by a signal or its timeout. */
  exitCode: v.nullable(v.number()),
  durationMs: v.number(),
  /** The end of what it printed. */
  outputTail: v.string(),
});

const finding = v.object({
  severity: v.picklist(['blocker', 'major', 'minor']),
  message: v.string(),
  file: v.nullable(v.string()),
  line: v.nullable(v.number()),
});

/** How the result was judged, with evidence for each criterion. */
const qaBundle = v.object({
  type: v.literal('qa'),
  format: v.literal(1),
  verdict: v.picklist(['pass', 'fail']),
  summary: v.string(),
  criteria: v.array(
    v.object({ id: v.string(), verdict: v.picklist(['pass', 'fail', 'not-judged']), evidence: v.string() }),
  ),
  findings: v.array(finding),
  /** null when the project has no test command. */
  tests: v.nullable(testRun),
});

const bundleSchema = v.variant('type', [requestBundle, specificationBundle, implementationBundle, qaBundle]);

export type RequestBundle = v.InferOutput<typeof requestBundle>;
export type SpecificationBundle = v.InferOutput<typeof specificationBundle>;
export type ImplementationBundle = v.InferOutput<typeof implementationBundle>;
export type QaBundle = v.InferOutput<typeof qaBundle>;
export type TestRun = v.InferOutput<typeof testRun>;
export type Finding = v.InferOutput<typeof finding>;

/** The typed result of a stage (or the request), as passed on to later stages: whole, immutable, known by its digest. */
export type Bundle = v.InferOutput<typeof bundleSchema>;

/** A stored bundle, read back. Throws on anything but a bundle this version knows. */
export function parseBundle(body: string): Bundle {
  return v.parse(bundleSchema, JSON.parse(body));
}
