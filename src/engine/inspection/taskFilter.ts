import type { Task } from '../domain/task.ts';

/** As many characters of an id as are shown: fewer lie in the random ids of other tasks, as do numbers that people look for. */
const shortestId = 8;

/** Whether a task has every word of the text in its title, description or branch, or as the beginning of its id; null for a text without words. */
export function taskFilter(text: string): ((task: Task) => boolean) | null {
  const words = text
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return null;
  return ({ title, description, worktree, id }) => {
    const searched = `${title}\n${description}\n${worktree?.branch ?? ''}`.toLocaleLowerCase();
    const namesId = (word: string): boolean => word.length >= shortestId && id.startsWith(word);
    return words.every((word) => searched.includes(word) || namesId(word));
  };
}
