import * as v from 'valibot';
import type { PersonCommand } from '../domain/commands.ts';
import { phaseTypes } from './inspector.ts';
import { groupOrders, taskGroups, type TaskGroup } from './taskGroups.ts';
import { mergeStrategySchema, stageSchema, taskIdSchema } from './taskSchema.ts';

// What passes between the board's page and its host, over a WebSocket or VS Code's messages. The page shows the first cards of each column
// from a snapshot and the numbered deltas after it; an inspector opened in it speaks its own protocol on a channel of the same connection.

/** A person's moves that a card offers. */
export const boardActions = [
  'approve',
  'send-back',
  'answer',
  'retry',
  'advance',
  'pause',
  'resume',
  'cancel',
  'accept',
] as const;

export type BoardAction = (typeof boardActions)[number];

/** Whether whoever opened the board may make moves. */
export type BoardAccess = 'read' | 'move';

/** Cards of a column to begin with, and how many more at each asking. */
export const columnStep = 50;
/** More a page does not draw: a filter finds the rest. */
export const longestColumn = 1_000;

const longestFilter = 200;
const longestNote = 20_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const groupSchema = v.picklist(taskGroups);

const boardCard = v.strictObject({
  id: taskIdSchema,
  title: v.string(),
  group: groupSchema,
  stage: stageSchema,
  phase: v.picklist(phaseTypes),
  /** What it waits for or why it stopped, in a sentence. */
  reason: v.nullable(v.string()),
  /** When it tries again or goes on by itself, epoch ms. */
  until: v.nullable(v.number()),
  /** Of the stage; null before its first run. */
  attempt: v.nullable(count),
  /** Epoch ms; null while nothing runs. */
  runningSince: v.nullable(v.number()),
  /** All ended runs together. */
  workedMs: v.number(),
  costUsd: v.number(),
  /** The host port of the slot it holds. */
  port: v.nullable(count),
  /** The branch its work is merged into; null = none. */
  baseBranch: v.nullable(v.string()),
  // Its place in the column.
  priority: v.number(),
  createdAt: v.number(),
  updatedAt: v.number(),
  actions: v.array(v.picklist(boardActions)),
});

const boardColumn = v.strictObject({
  group: groupSchema,
  /** How many tasks the filter leaves; the page has the first of them. */
  found: count,
  total: count,
});

const change = v.variant('type', [
  /** New in the window, or as it is now. */
  v.strictObject({ type: v.literal('card'), card: boardCard }),
  /** Not in any column's window any more. */
  v.strictObject({ type: v.literal('gone'), id: taskIdSchema }),
  v.strictObject({ type: v.literal('column'), column: boardColumn }),
]);

/** Host to page. */
const hostMessage = v.variant('type', [
  v.strictObject({
    type: v.literal('snapshot'),
    seq: count,
    access: v.picklist(['read', 'move']),
    columns: v.array(boardColumn),
    cards: v.array(boardCard),
  }),
  v.strictObject({ type: v.literal('delta'), seq: count, changes: v.array(change) }),
  /** How a move ended: `refusal` says what is so and what would work instead, null = it is made. */
  v.strictObject({ type: v.literal('moved'), id: count, refusal: v.nullable(v.string()) }),
  /** Of an open inspector: `message` is one of its own protocol. */
  v.strictObject({ type: v.literal('inspector'), channel: count, message: v.unknown() }),
  /** There is nothing to show, and why. */
  v.strictObject({ type: v.literal('unavailable'), message: v.string(), remedy: v.nullable(v.string()) }),
  /** The connection is alive. */
  v.strictObject({ type: v.literal('beat') }),
]);

const simpleMove = <Type extends PersonCommand['type']>(type: Type) =>
  v.strictObject({ type: v.literal(type), taskId: taskIdSchema });

const boardMove = v.variant('type', [
  simpleMove('approve'),
  simpleMove('retry'),
  simpleMove('advance'),
  simpleMove('pause'),
  simpleMove('resume'),
  simpleMove('cancel'),
  v.strictObject({
    type: v.literal('send-back'),
    taskId: taskIdSchema,
    note: v.pipe(v.string(), v.maxLength(longestNote)),
  }),
  v.strictObject({ type: v.literal('accept'), taskId: taskIdSchema, strategy: mergeStrategySchema }),
]);

/** What the page looks at: words that a task must have, and how many cards of each column. */
const boardLook = v.strictObject({
  find: v.pipe(v.string(), v.maxLength(longestFilter)),
  limits: v.strictObject(v.entriesFromList(taskGroups, v.optional(v.pipe(count, v.maxValue(longestColumn))))),
});

/** Page to host. */
const pageMessage = v.variant('type', [
  /** The page is there, or has missed a delta: it needs a snapshot. */
  v.strictObject({ type: v.literal('ready'), look: boardLook }),
  /** It looks at something else: a delta will do. */
  v.strictObject({ type: v.literal('look'), look: boardLook }),
  v.strictObject({ type: v.literal('move'), id: count, move: boardMove }),
  /** Opens an inspector of the task on a channel of the page's choice, in place of the one there. */
  v.strictObject({ type: v.literal('open'), channel: count, taskId: taskIdSchema }),
  v.strictObject({ type: v.literal('close'), channel: count }),
  /** To an open inspector: `message` is one of its own protocol. */
  v.strictObject({ type: v.literal('inspector'), channel: count, message: v.unknown() }),
]);

export type BoardCard = Readonly<v.InferOutput<typeof boardCard>>;
export type BoardColumn = Readonly<v.InferOutput<typeof boardColumn>>;
export type BoardChange = Readonly<v.InferOutput<typeof change>>;
export type BoardMove = Readonly<v.InferOutput<typeof boardMove>>;
export type BoardLook = Readonly<v.InferOutput<typeof boardLook>>;
export type BoardHostMessage = Readonly<v.InferOutput<typeof hostMessage>>;
export type BoardPageMessage = Readonly<v.InferOutput<typeof pageMessage>>;

/** Null for anything that is not a message of this version: whoever gets it drops it. */
export function parseBoardHostMessage(message: unknown): BoardHostMessage | null {
  const parsed = v.safeParse(hostMessage, message);
  return parsed.success ? parsed.output : null;
}

/** Null for anything that is not a message of this version: whoever gets it drops it. */
export function parseBoardPageMessage(message: unknown): BoardPageMessage | null {
  const parsed = v.safeParse(pageMessage, message);
  return parsed.success ? parsed.output : null;
}

/** How many cards of the column the page wants. */
export const limitOf = ({ limits }: BoardLook, group: TaskGroup): number => limits[group] ?? columnStep;

/** The order of a column's cards. */
export const cardOrder = (group: TaskGroup): ((a: BoardCard, b: BoardCard) => number) => groupOrders[group];

/** A note that a person is writing for a move, and has not sent. */
const noteDraft = v.object({
  taskId: taskIdSchema,
  title: v.string(),
  action: v.picklist(['send-back', 'answer']),
  text: v.string(),
});

export type NoteDraft = Readonly<v.InferOutput<typeof noteDraft>>;

const boardPlace = v.object({
  find: v.string(),
  draft: v.optional(noteDraft),
  inspector: v.optional(v.looseObject({ taskId: taskIdSchema })),
});

/** Where a page of the board was, as it kept it; null for what none of this version has kept. */
export function parseBoardPlace(place: unknown): v.InferOutput<typeof boardPlace> | null {
  const parsed = v.safeParse(boardPlace, place);
  return parsed.success ? parsed.output : null;
}

const ticketSchema = v.object({ ticket: v.string() });

/** The ticket of an answer of `POST /api/tickets`; null when there is none. */
export function parseTicket(answer: unknown): string | null {
  const parsed = v.safeParse(ticketSchema, answer);
  return parsed.success ? parsed.output.ticket : null;
}
