import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when the condition holds; Mocha's limit ends it. For what VS Code tells of by no event. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50);
}
