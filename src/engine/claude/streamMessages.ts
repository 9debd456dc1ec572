import * as v from 'valibot';
import { latestInstant } from '../domain/instant.ts';

/** What one line of the CLI's stream-json says, as far as it matters to the engine. */
export type CliMessage =
  | CliInit
  /** A whole block of what the model said. */
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool-use'; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: 'tool-result'; readonly id: string; readonly isError: boolean }
  /** The CLI repeats a request by itself. `status`: HTTP, null when there was no answer. */
  | {
      readonly type: 'retry';
      readonly attempt: number;
      readonly error: string;
      readonly status: number | null;
      readonly delayMs: number;
    }
  | { readonly type: 'denied'; readonly tool: string; readonly message: string }
  /** Subscriptions only. `resetsAt`: epoch seconds. */
  | { readonly type: 'rate-limit'; readonly status: string; readonly resetsAt: number | null }
  /** The request failed for good; `error` is the CLI's word for it. */
  | { readonly type: 'assistant-error'; readonly error: string; readonly text: string }
  | CliResult
  /** Not a line as the CLI writes them; its beginning. */
  | { readonly type: 'unparsed'; readonly text: string };

/** Printed at the start, and again before any later turn of the same process. */
export interface CliInit {
  readonly type: 'init';
  readonly sessionId: string;
  readonly model: string;
  readonly permissionMode: string;
  readonly tools: readonly string[];
  readonly version: string | null;
}

/** How a turn ended. `subtype` says `success` for failed requests too: only the other fields can be trusted. */
export interface CliResult {
  readonly type: 'result';
  readonly subtype: string;
  readonly isError: boolean;
  readonly terminalReason: string | null;
  /** The answer, or what went wrong. */
  readonly text: string;
  /** undefined when the model gave none. */
  readonly structuredOutput: unknown;
  readonly sessionId: string | null;
  readonly turns: number;
  readonly costUsd: number;
  readonly apiErrorStatus: number | null;
  readonly apiError: string | null;
}

/** Longer than any service asks to be left alone. */
const longestWaitMs = 7 * 24 * 60 * 60_000;

/** More than any run costs, and little enough for the sum of all to be a number. */
const highestCostUsd = 1_000_000;

/**
 * A number that is recorded, of 0 to `most`. One beyond that tells nothing, and is as if it were not there: the rest of its
 * line still counts, while the database would refuse the run, or itself at the next start.
 */
function recorded<Nothing extends number | null>(most: number, nothing: Nothing) {
  const within = v.transform((value: number) => (value >= 0 && value <= most ? value : nothing));
  return v.nullish(v.pipe(v.number(), within), nothing);
}

const kindSchema = v.object({ type: v.string(), subtype: v.optional(v.string(), '') });

const initSchema = v.pipe(
  v.object({
    session_id: v.string(),
    model: v.string(),
    permissionMode: v.string(),
    tools: v.array(v.string()),
    claude_code_version: v.nullish(v.string(), null),
  }),
  v.transform((line): readonly CliMessage[] => [
    {
      type: 'init',
      sessionId: line.session_id,
      model: line.model,
      permissionMode: line.permissionMode,
      tools: line.tools,
      version: line.claude_code_version,
    },
  ]),
);

const retrySchema = v.pipe(
  v.object({
    attempt: v.number(),
    error: v.nullish(v.string(), 'unknown'),
    error_status: v.nullish(v.number(), null),
    retry_delay_ms: recorded(longestWaitMs, 0),
  }),
  v.transform((line): readonly CliMessage[] => [
    {
      type: 'retry',
      attempt: line.attempt,
      error: line.error,
      status: line.error_status,
      delayMs: line.retry_delay_ms,
    },
  ]),
);

const deniedSchema = v.pipe(
  v.object({ tool_name: v.string(), message: v.nullish(v.string(), '') }),
  v.transform((line): readonly CliMessage[] => [
    { type: 'denied', tool: line.tool_name, message: line.message },
  ]),
);

const rateLimitSchema = v.pipe(
  v.object({
    rate_limit_info: v.object({
      status: v.nullish(v.string(), ''),
      resetsAt: recorded(latestInstant / 1_000, null),
    }),
  }),
  v.transform(({ rate_limit_info: info }): readonly CliMessage[] => [{ type: 'rate-limit', ...info }]),
);

const textBlock = v.object({ type: v.literal('text'), text: v.string() });
const toolUseBlock = v.object({
  type: v.literal('tool_use'),
  id: v.string(),
  name: v.string(),
  input: v.optional(v.unknown()),
});
const toolResultBlock = v.object({
  type: v.literal('tool_result'),
  tool_use_id: v.string(),
  is_error: v.nullish(v.boolean(), false),
});
/** Thinking, images and whatever comes with later versions. */
const otherBlock = v.pipe(
  v.object({ type: v.string() }),
  v.transform(() => ({ type: 'other' }) as const),
);

const assistantSchema = v.pipe(
  v.object({
    message: v.object({ content: v.array(v.union([textBlock, toolUseBlock, otherBlock])) }),
    error: v.nullish(v.string(), null),
  }),
  v.transform(({ message: { content }, error }): readonly CliMessage[] => {
    if (error !== null) {
      const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
      return [{ type: 'assistant-error', error, text }];
    }
    return content.flatMap((block): readonly CliMessage[] => {
      switch (block.type) {
        case 'text':
          return [block];
        case 'tool_use':
          return [{ type: 'tool-use', id: block.id, name: block.name, input: block.input }];
        case 'other':
          return [];
      }
    });
  }),
);

const userSchema = v.pipe(
  v.object({
    message: v.object({ content: v.union([v.string(), v.array(v.union([toolResultBlock, otherBlock]))]) }),
  }),
  v.transform(({ message: { content } }): readonly CliMessage[] => {
    if (typeof content === 'string') return [];
    return content.flatMap((block): readonly CliMessage[] =>
      block.type === 'other' ? [] : [{ type: 'tool-result', id: block.tool_use_id, isError: block.is_error }],
    );
  }),
);

const resultSchema = v.pipe(
  v.object({
    subtype: v.string(),
    is_error: v.boolean(),
    terminal_reason: v.nullish(v.string(), null),
    result: v.nullish(v.string(), ''),
    errors: v.nullish(v.array(v.unknown()), []),
    structured_output: v.optional(v.unknown()),
    session_id: v.nullish(v.string(), null),
    num_turns: v.nullish(v.number(), 0),
    total_cost_usd: recorded(highestCostUsd, 0),
    api_error_status: v.nullish(v.number(), null),
    api_error: v.nullish(v.string(), null),
  }),
  v.transform((line): readonly CliMessage[] => [
    {
      type: 'result',
      subtype: line.subtype,
      isError: line.is_error,
      terminalReason: line.terminal_reason,
      text:
        line.result === ''
          ? line.errors.filter((error) => typeof error === 'string').join('\n')
          : line.result,
      structuredOutput: line.structured_output,
      sessionId: line.session_id,
      turns: line.num_turns,
      costUsd: line.total_cost_usd,
      apiErrorStatus: line.api_error_status,
      apiError: line.api_error,
    },
  ]),
);

const schemas = new Map<string, v.GenericSchema<unknown, readonly CliMessage[]>>([
  ['system/init', initSchema],
  ['system/api_retry', retrySchema],
  ['system/permission_denied', deniedSchema],
  ['rate_limit_event', rateLimitSchema],
  ['assistant', assistantSchema],
  ['user', userSchema],
  ['result', resultSchema],
]);

/**
 * What a line says: nothing for a kind that does not matter (or is not known yet), null when it is not what a line of
 * its kind must be.
 */
export function messagesOf(line: unknown): readonly CliMessage[] | null {
  const kind = v.safeParse(kindSchema, line);
  if (!kind.success) return null;
  const { type, subtype } = kind.output;
  const schema = schemas.get(type === 'system' ? `system/${subtype}` : type);
  if (schema === undefined) return [];
  const parsed = v.safeParse(schema, line);
  return parsed.success ? parsed.output : null;
}
