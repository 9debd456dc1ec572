/** Earlier ones lose output to slow readers, orphan shell commands on SIGTERM or run without the schema they were given. */
const oldest = [2, 1, 214] as const;

export const oldestClaudeVersion = oldest.join('.');

/** Whether a version of Claude Code is too old to be run; null for what is no version. */
export function isTooOld(version: string): boolean | null {
  const found = /^(\d+)\.(\d+)\.(\d+)\b/.exec(version)?.slice(1).map(Number);
  if (found === undefined) return null;
  const index = oldest.findIndex((part, position) => found[position] !== part);
  return index !== -1 && (found[index] ?? 0) < (oldest[index] ?? 0);
}
