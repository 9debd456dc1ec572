import { OrchestratorError } from '../ports/errors.ts';

export const branchPrefix = 'orchestrator/';

/** As in the rest of this field: short enough for a tab, long enough to be recognized. */
const longestSlug = 16;

/** ASCII words of a title, or `task` when it has none. */
function slugOf(title: string): string {
  const ascii = title.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const slug = trimDashes(trimDashes(ascii.replaceAll(/[^a-z0-9]+/g, '-')).slice(0, longestSlug));
  return slug === '' ? 'task' : slug;
}

/** Folder names for a task, to be tried in order: `{4 hex digits of the id}-{slug}`. The branch is the same after the prefix. */
export function nameCandidates(taskId: string, title: string): readonly string[] {
  const groups = taskId.replaceAll('-', '').match(/.{4}/g) ?? [];
  return groups.map((hex) => `${hex}-${slugOf(title)}`);
}

/** Task ids become parts of ref names. */
export function checkTaskId(taskId: string): void {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(taskId)) return;
  throw new OrchestratorError('bad-input', `"${taskId}" is not a task id: a UUID in lower case is.`);
}

export function salvageRefs(taskId: string): string {
  return `refs/orchestrator/${taskId}/salvage-`;
}

function trimDashes(text: string): string {
  return text.replaceAll(/^-+|-+$/g, '');
}
