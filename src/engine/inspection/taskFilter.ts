import type { Task } from '../domain/task.ts';

/** Whether a task has every word of the text in its title, description, branch or id; null for a text without words. */
export function taskFilter(text: string): ((task: Task) => boolean) | null {
  const words = text
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return null;
  return ({ title, description, worktree, id }) => {
    const searched = `${title}\n${description}\n${worktree?.branch ?? ''}\n${id}`.toLocaleLowerCase();
    return words.every((word) => searched.includes(word));
  };
}
