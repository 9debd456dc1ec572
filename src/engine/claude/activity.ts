import * as v from 'valibot';
import type { CliMessage } from './streamMessages.ts';

/** What the agent is at, in one line for a person. Whoever shows it still escapes it for where it is shown. */
export interface Activity {
  readonly type: 'says' | 'does' | 'waits' | 'denied';
  readonly text: string;
}

/** Longer than any line it is shown in. */
const longestText = 300;

/** null for what a person need not see go by. `worktreePath`: as the agent sees it; paths below it are shown without it. */
export function activityOf(message: CliMessage, worktreePath: string): Activity | null {
  switch (message.type) {
    case 'text':
      return message.text.trim() === '' ? null : { type: 'says', text: oneLine(message.text) };
    case 'tool-use':
      return { type: 'does', text: oneLine(describeTool(message.name, message.input, worktreePath)) };
    case 'retry': {
      const seconds = Math.max(1, Math.round(message.delayMs / 1_000));
      const cause =
        message.status === null ? 'no answer' : `${message.error.replaceAll('_', ' ')} (${message.status})`;
      return { type: 'waits', text: oneLine(`${seconds} s before trying again: ${cause}`) };
    }
    case 'denied':
      return { type: 'denied', text: oneLine(`${message.tool}: ${message.message}`) };
    case 'init':
    case 'tool-result':
    case 'rate-limit':
    case 'assistant-error':
    case 'result':
    case 'unparsed':
      return null;
  }
}

/** The one input of each tool that tells what it is about, by the names the tools give them. */
const inputSchema = v.object({
  file_path: v.optional(v.string()),
  command: v.optional(v.string()),
  pattern: v.optional(v.string()),
  path: v.optional(v.string()),
});

function describeTool(name: string, input: unknown, worktreePath: string): string {
  if (name === 'StructuredOutput') return 'Hands in its result';
  const parsed = v.safeParse(inputSchema, input);
  if (!parsed.success) return name;
  const { file_path, command, pattern, path } = parsed.output;
  const place = path === undefined ? undefined : `in ${relative(path, worktreePath)}`;
  const file = file_path === undefined ? undefined : relative(file_path, worktreePath);
  return [name, file, command, pattern, place].filter((part) => part !== undefined).join(' ');
}

function relative(path: string, worktreePath: string): string {
  return path.startsWith(`${worktreePath}/`) ? path.slice(worktreePath.length + 1) : path;
}

/** Without line breaks, terminal controls and marks that turn the direction of writing: a model's text may hold any. */
function oneLine(text: string): string {
  // A start of this length has all that can be shown; the rest of a megabyte need not be looked at.
  const start = text.slice(0, 4 * longestText);
  const plain = start.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069\s]+/gu, ' ').trim();
  return plain.length <= longestText && start.length === text.length
    ? plain
    : `${plain.slice(0, longestText - 1)}…`;
}
