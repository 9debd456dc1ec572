import { Recent } from './recent.ts';
import { historyOf, type Worktree } from './worktree.ts';

/** A commit's never change, and each stage of a task asks for the same one; the tasks of a day mostly start from the same commit. */
const known = new Recent<string | null>(4);

/** A longer one is read each time: it would take too much memory for the little time it saves. */
const longestKept = 256 * 1024;

/** A file as it was in the commit the task started from, links within it followed; null when there is none. */
export async function readBaseFile(worktree: Worktree, path: string): Promise<string | null> {
  const input = `${worktree.baseCommit}:${path}\0`;
  const kept = known.get(input);
  if (kept !== undefined) return kept;
  const output = await historyOf(worktree).run(['cat-file', '--batch', '--follow-symlinks', '-z'], { input });
  const header = /^[0-9a-f]+ blob \d+\n/.exec(output);
  const text = header === null ? null : output.slice(header[0].length, -1);
  if (text === null || text.length <= longestKept) known.set(input, text);
  return text;
}
