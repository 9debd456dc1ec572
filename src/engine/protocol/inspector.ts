import * as v from 'valibot';
import { failureCodes } from '../domain/outcome.ts';
import { digestSchema, runIdSchema, stageSchema, taskIdSchema } from './taskSchema.ts';

// What passes between the inspector's page and its host. The page is a function of the snapshot and the deltas after it, which are numbered;
// what is big (bundles, audit rows, an agent's output) it asks for, in ranges. Both sides parse everything they receive.

/** The pages of the inspector, in their order. */
export const inspectorPages = ['context', 'live', 'qa', 'audit', 'cost'] as const;

export type InspectorPage = (typeof inspectorPages)[number];

/** A person's moves that the page offers; the host carries them out through its commands. */
export const inspectorActions = [
  'approve',
  'edit',
  'send-back',
  'answer',
  'retry',
  'advance',
  'pause',
  'resume',
  'cancel',
  'show-changes',
  'open-app',
  'accept',
] as const;

export type InspectorAction = (typeof inspectorActions)[number];

/** A page asks for at most so many live entries or audit rows at once. */
export const longestRange = 500;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Epoch ms. */
const instant = v.number();
const pageSchema = v.picklist(inspectorPages);

export const phaseTypes = [
  'queued',
  'preparing',
  'running',
  'stopping',
  'gate',
  'backoff',
  'parked',
  'attention',
  'paused',
  'completed',
  'merging',
  'done',
  'cancelled',
] as const;

const taskEntries = {
  taskId: taskIdSchema,
  title: v.string(),
  description: v.string(),
  phase: v.picklist(phaseTypes),
  stage: stageSchema,
  /** What it waits for or why it stopped, in a sentence. */
  reason: v.nullable(v.string()),
  needsPerson: v.boolean(),
  createdAt: instant,
  branch: v.nullable(v.string()),
  worktree: v.nullable(v.string()),
  commit: v.nullable(v.string()),
  /** The host port of the slot it holds. */
  port: v.nullable(count),
  qaRounds: count,
  maxQaRounds: count,
  /** Of the whole task; null = none. */
  maxBudgetUsd: v.nullable(v.number()),
  accepted: v.array(digestSchema),
  actions: v.array(v.picklist(inspectorActions)),
};
const taskView = v.strictObject(taskEntries);

const runView = v.strictObject({
  id: runIdSchema,
  stage: stageSchema,
  attempt: count,
  status: v.picklist(['running', 'completed', 'failed', 'cancelled']),
  outcome: v.nullable(v.picklist(['success', 'cancelled', ...failureCodes])),
  inputDigests: v.array(digestSchema),
  outputDigest: v.nullable(digestSchema),
  startedAt: instant,
  completedAt: v.nullable(instant),
  costUsd: v.number(),
});

const bundleHead = v.strictObject({
  digest: digestSchema,
  stage: v.picklist(['request', 'specification', 'implementation', 'qa']),
  version: count,
  runId: v.nullable(runIdSchema),
  createdAt: instant,
});

const inspectorView = v.strictObject({
  task: taskView,
  /** Oldest first. */
  runs: v.array(runView),
  /** Oldest first. */
  bundles: v.array(bundleHead),
});

const auditRowView = v.strictObject({
  seq: count,
  at: instant,
  type: v.string(),
  actor: v.picklist(['person', 'engine']),
  cause: v.string(),
  /** The event's data as JSON, its beginning. */
  data: v.string(),
  hash: v.string(),
});

const callState = v.picklist(['open', 'done', 'failed']);

const liveEntry = v.strictObject({
  /** 0, 1, ... within the run. */
  index: count,
  kind: v.picklist(['says', 'does', 'result', 'failed-result', 'waits', 'denied', 'note', 'error', 'raw']),
  text: v.string(),
  /** There is more to it: `live-detail` tells. */
  hasDetail: v.boolean(),
  /** Of a tool call: whether its result is there, which is part of this entry; null for every other entry. */
  call: v.nullable(callState),
});

/** A call that was sent before, with its result. */
const answeredCall = v.strictObject({ index: count, call: callState });

const liveState = v.strictObject({
  runId: runIdSchema,
  /** Entries so far. */
  total: count,
  /** Everything the run wrote was read, and nothing will follow. */
  ended: v.boolean(),
});

const change = v.variant('type', [
  v.strictObject({ type: v.literal('task'), set: v.partial(taskView) }),
  /** New, or as it is now. */
  v.strictObject({ type: v.literal('run'), run: runView }),
  v.strictObject({ type: v.literal('bundles'), added: v.array(bundleHead) }),
  v.strictObject({ type: v.literal('audit'), rows: v.array(auditRowView) }),
  /** The watched run wrote; `tail` are the newest entries, not all that are new. */
  v.strictObject({
    type: v.literal('live'),
    state: liveState,
    tail: v.array(liveEntry),
    /** Earlier ones that have their result now. */
    answered: v.array(answeredCall),
  }),
  v.strictObject({ type: v.literal('show'), page: pageSchema }),
]);

const question = v.variant('type', [
  v.strictObject({ type: v.literal('bundle'), digest: digestSchema }),
  v.strictObject({ type: v.literal('report'), digest: digestSchema }),
  v.strictObject({ type: v.literal('audit'), after: count, limit: v.pipe(count, v.maxValue(longestRange)) }),
  v.strictObject({ type: v.literal('verify') }),
  v.strictObject({
    type: v.literal('live'),
    runId: runIdSchema,
    from: count,
    count: v.pipe(count, v.maxValue(longestRange)),
  }),
  v.strictObject({ type: v.literal('live-detail'), runId: runIdSchema, index: count }),
  v.strictObject({
    type: v.literal('live-search'),
    runId: runIdSchema,
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  }),
  v.strictObject({ type: v.literal('usage'), runId: runIdSchema }),
]);

const tokenUsage = v.strictObject({ input: count, output: count, cacheRead: count, cacheWrite: count });

const answer = v.variant('type', [
  v.strictObject({
    type: v.literal('bundle'),
    digest: digestSchema,
    markdown: v.string(),
    /** Size of the stored form. */
    bytes: count,
    /** Its bytes have the digest they are known by. */
    isIntact: v.boolean(),
    /** `markdown` is only the beginning. */
    isCut: v.boolean(),
  }),
  v.strictObject({
    type: v.literal('report'),
    digest: digestSchema,
    verdict: v.picklist(['pass', 'fail']),
    summary: v.string(),
    criteria: v.array(
      v.strictObject({
        id: v.string(),
        text: v.nullable(v.string()),
        verdict: v.picklist(['pass', 'fail', 'not-judged']),
        evidence: v.string(),
      }),
    ),
    findings: v.array(
      v.strictObject({
        severity: v.picklist(['blocker', 'major', 'minor']),
        message: v.string(),
        file: v.nullable(v.string()),
        line: v.nullable(v.number()),
      }),
    ),
    tests: v.nullable(
      v.strictObject({
        command: v.string(),
        exitCode: v.nullable(v.number()),
        durationMs: v.number(),
        outputTail: v.string(),
      }),
    ),
  }),
  v.strictObject({ type: v.literal('audit'), rows: v.array(auditRowView), isLast: v.boolean() }),
  v.strictObject({
    type: v.literal('verify'),
    ok: v.boolean(),
    rows: count,
    firstBadRow: v.nullable(count),
  }),
  v.strictObject({ type: v.literal('live'), runId: runIdSchema, entries: v.array(liveEntry) }),
  v.strictObject({
    type: v.literal('live-detail'),
    runId: runIdSchema,
    index: count,
    text: v.string(),
    isCut: v.boolean(),
    /** Of a call that has one. */
    result: v.nullable(v.strictObject({ text: v.string(), isCut: v.boolean() })),
  }),
  v.strictObject({
    type: v.literal('live-search'),
    runId: runIdSchema,
    /** Indices of entries, ascending; the first ones only when `isCut`. */
    matches: v.array(count),
    isCut: v.boolean(),
  }),
  /** null when the run left no count. */
  v.strictObject({ type: v.literal('usage'), runId: runIdSchema, tokens: v.nullable(tokenUsage) }),
  v.strictObject({ type: v.literal('failed'), message: v.string() }),
]);

/** Host to page. */
const hostMessage = v.variant('type', [
  v.strictObject({ type: v.literal('snapshot'), seq: count, view: inspectorView }),
  v.strictObject({ type: v.literal('delta'), seq: count, changes: v.array(change) }),
  v.strictObject({ type: v.literal('answer'), id: count, answer }),
  /** There is nothing to show, and why. */
  v.strictObject({ type: v.literal('unavailable'), message: v.string(), remedy: v.nullable(v.string()) }),
]);

/** Page to host. */
const pageMessage = v.variant('type', [
  /** The page is there, or has missed a delta: it needs a snapshot. */
  v.strictObject({ type: v.literal('ready') }),
  v.strictObject({ type: v.literal('ask'), id: count, question }),
  /** The run whose output the page shows; null = none. */
  v.strictObject({ type: v.literal('watch'), runId: v.nullable(runIdSchema) }),
  v.strictObject({ type: v.literal('act'), action: v.picklist(inspectorActions) }),
  /** A place in the task's worktree. */
  v.strictObject({ type: v.literal('open'), file: v.string(), line: v.nullable(v.number()) }),
]);

export type TaskView = Readonly<v.InferOutput<typeof taskView>>;
export type RunView = Readonly<v.InferOutput<typeof runView>>;
export type BundleHead = Readonly<v.InferOutput<typeof bundleHead>>;
export type InspectorView = Readonly<v.InferOutput<typeof inspectorView>>;
export type AuditRowView = Readonly<v.InferOutput<typeof auditRowView>>;
export type LiveEntry = Readonly<v.InferOutput<typeof liveEntry>>;
export type AnsweredCall = Readonly<v.InferOutput<typeof answeredCall>>;
export type LiveState = Readonly<v.InferOutput<typeof liveState>>;
export type TokenUsage = Readonly<v.InferOutput<typeof tokenUsage>>;
export type Change = Readonly<v.InferOutput<typeof change>>;
export type Question = Readonly<v.InferOutput<typeof question>>;
export type Answer = Readonly<v.InferOutput<typeof answer>>;
export type AnswerTo<Type extends Question['type']> = Extract<Answer, { type: Type }>;
export type HostMessage = Readonly<v.InferOutput<typeof hostMessage>>;
export type PageMessage = Readonly<v.InferOutput<typeof pageMessage>>;

/** Null for anything that is not a message of this version: whoever gets it drops it. */
export function parseHostMessage(message: unknown): HostMessage | null {
  const parsed = v.safeParse(hostMessage, message);
  return parsed.success ? parsed.output : null;
}

/** Null for anything that is not a message of this version: whoever gets it drops it. */
export function parsePageMessage(message: unknown): PageMessage | null {
  const parsed = v.safeParse(pageMessage, message);
  return parsed.success ? parsed.output : null;
}

const savedState = v.object({
  taskId: taskIdSchema,
  page: v.optional(pageSchema),
  runId: v.optional(v.nullable(runIdSchema)),
  /** Which context is shown, and which version it is compared with; '' = none. */
  context: v.optional(v.string()),
  compared: v.optional(v.string()),
  /** Words that somebody looks for in the live output, and in the audit trail. */
  search: v.optional(v.string()),
  auditWords: v.optional(v.string()),
  auditActor: v.optional(v.string()),
});

/** What a page keeps over a reload: where it is and what is looked for there, and no data. */
export type SavedState = v.InferOutput<typeof savedState>;

/** Null for what no page of this version has saved. */
export function parseSavedState(state: unknown): SavedState | null {
  const parsed = v.safeParse(savedState, state);
  return parsed.success ? parsed.output : null;
}
