import * as v from 'valibot';
import { activityOf } from '../claude/activity.ts';
import { messagesOf, type CliMessage } from '../claude/streamMessages.ts';
import type { LiveEntry } from '../protocol/inspector.ts';

/** What an entry shows without being opened. */
const longestText = 4_000;
/** A result is folded: its first line is shown. */
const longestLine = 300;
/** What an opened entry shows; the whole lies in the run's folder. */
const longestDetail = 200_000;

/** What one line of an agent's output comes to: an entry without its number, and the text behind it. */
export interface LineEntry extends Omit<LiveEntry, 'index' | 'call'> {
  readonly detail: string;
  /** The id of a call, by which its result is found. */
  readonly calls?: string;
  /** The id of the call that a result is of. */
  readonly answers?: string;
}

const resultBlock = v.object({
  type: v.literal('tool_result'),
  tool_use_id: v.optional(v.string(), ''),
  content: v.optional(
    v.union([
      v.string(),
      v.array(
        v.union([v.object({ type: v.literal('text'), text: v.string() }), v.object({ type: v.string() })]),
      ),
    ]),
    '',
  ),
  is_error: v.nullish(v.boolean(), false),
});
const userLine = v.object({
  type: v.literal('user'),
  message: v.object({ content: v.array(v.union([resultBlock, v.object({ type: v.string() })])) }),
});

/** The entries of a line. Never throws: what is no line of the CLI's is shown as it is. */
export function entriesOfLine(text: string, worktreePath: string): readonly LineEntry[] {
  if (text.trim() === '') return [];
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return [raw(text)];
  }
  const user = v.safeParse(userLine, line);
  if (user.success) return user.output.message.content.flatMap((block) => resultEntry(block));
  const messages = messagesOf(line);
  if (messages === null) return [raw(text)];
  return messages.flatMap((message) => messageEntry(message, worktreePath));
}

/** The text behind an entry, bounded. */
export function detailOf({ detail }: LineEntry): { readonly text: string; readonly isCut: boolean } {
  return { text: plain(detail.slice(0, longestDetail)), isCut: detail.length > longestDetail };
}

function messageEntry(message: CliMessage, worktreePath: string): LineEntry[] {
  switch (message.type) {
    case 'text':
      return message.text.trim() === '' ? [] : [entry('says', message.text, message.text)];
    case 'tool-use': {
      const activity = activityOf(message, worktreePath);
      const input = JSON.stringify(message.input, null, 2) as string | undefined;
      const text = activity?.text ?? message.name;
      return [{ kind: 'does', text, hasDetail: true, detail: input ?? '', calls: message.id }];
    }
    case 'retry':
    case 'denied': {
      const activity = activityOf(message, worktreePath);
      return activity === null
        ? []
        : [entry(message.type === 'retry' ? 'waits' : 'denied', activity.text, '')];
    }
    case 'init': {
      const version = message.version === null ? '' : ` ${message.version}`;
      return [entry('note', `Claude Code${version}, model ${message.model}`, '')];
    }
    case 'rate-limit':
      // The CLI reports its standing often; only a limit that bites matters.
      return message.status === 'allowed' ? [] : [entry('waits', `Usage limit: ${message.status}`, '')];
    case 'assistant-error':
      return [entry('error', `${message.error}: ${message.text}`, message.text)];
    case 'result': {
      const ended = message.isError ? `Ended with an error: ${message.text}` : 'Ended';
      return [
        entry(message.isError ? 'error' : 'note', `${ended} after ${message.turns} turns`, message.text),
      ];
    }
    case 'tool-result':
      return [];
    case 'unparsed':
      return [raw(message.text)];
  }
}

function resultEntry(block: v.InferOutput<typeof resultBlock> | { type: string }): LineEntry[] {
  if (!('content' in block)) return [];
  const { content } = block;
  const text =
    typeof content === 'string'
      ? content
      : content.map((part) => ('text' in part ? part.text : `[${part.type}]`)).join('\n');
  const kind = block.is_error ? 'failed-result' : 'result';
  const first = text.slice(0, longestLine).split('\n', 1)[0] ?? '';
  const hasDetail = text.trim().length > first.length;
  return [{ kind, text: plain(first), hasDetail, detail: text, answers: block.tool_use_id }];
}

function entry(kind: LiveEntry['kind'], text: string, detail: string): LineEntry {
  const hasDetail = detail.length > longestText;
  return { kind, text: plain(text.slice(0, longestText)), hasDetail, detail };
}

const raw = (text: string): LineEntry => entry('raw', text, text);

/** Without terminal controls and marks that turn the direction of writing: a model's text may hold any. */
function plain(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|[\u202A-\u202E\u2066-\u2069]/gu, '');
}
