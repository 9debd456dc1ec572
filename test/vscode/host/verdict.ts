import * as v from 'valibot';

/** The suites that run inside an extension host. */
const suiteNames = ['closing', 'contributions', 'moving', 'restricted', 'serving'] as const;

export type SuiteName = (typeof suiteNames)[number];

/** Declares its tests; `facts` is what the driver arranged, by role, `note` takes measures for people to read. */
export type Suite = (facts: Readonly<Record<string, string>>, note: (text: string) => void) => void;

/** What the driver asks of an extension host. */
export const requestSchema = v.strictObject({
  suite: v.picklist(suiteNames),
  facts: v.record(v.string(), v.string()),
  /** For each test. */
  limitMs: v.number(),
});

export type SuiteRequest = v.InferOutput<typeof requestSchema>;

/** What a run of a suite leaves behind. */
export const verdictSchema = v.strictObject({
  vscode: v.string(),
  node: v.string(),
  failures: v.number(),
  tests: v.array(
    v.strictObject({
      title: v.string(),
      state: v.picklist(['passed', 'failed', 'pending']),
      error: v.nullable(v.string()),
      durationMs: v.number(),
    }),
  ),
  notes: v.array(v.string()),
});

export type Verdict = v.InferOutput<typeof verdictSchema>;
