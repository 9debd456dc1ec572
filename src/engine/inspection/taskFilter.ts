import { shownIdLength } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';

/** Whether a task has every word of the text in its title, description or branch, or as the beginning of its id; null for a text without words. */
export function taskFilter(text: string): ((task: Task) => boolean) | null {
  const words = text
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return null;
  return ({ title, description, worktree, id }) => {
    const searched = `${title}\n${description}\n${worktree?.branch ?? ''}`.toLocaleLowerCase();
    // Fewer characters begin the random ids of other tasks too, as do numbers that people look for.
    const namesId = (word: string): boolean => word.length >= shownIdLength && id.startsWith(word);
    return words.every((word) => searched.includes(word) || namesId(word));
  };
}
