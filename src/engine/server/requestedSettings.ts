import type { TaskSettings } from '../domain/task.ts';
import { type SettingsInput, settingsOn } from '../settings.ts';
import { Problem } from './problem.ts';

/** What runs, or is read, where the task works. */
const ofThePlace = ['testCommand', 'setupCommand', 'copyFiles'] as const;

/**
 * The settings with what a request asks for on top. Throws the problem to answer with where that would be done on this
 * machine: what is executed here is for whoever has more than a token to say.
 */
export function requestedSettings(base: TaskSettings, input: SettingsInput): TaskSettings {
  const asked = ofThePlace.filter((name) => input[name] !== undefined);
  if (base.isolation === 'process' && asked.length > 0)
    throw new Problem(
      422,
      'bad-input',
      `settings.${asked[0]} is not taken from a request for a task in process isolation: over HTTP nobody chooses what is run or copied on this machine itself.`,
      'Give it where the server is started, for new tasks, or to `orchestrator settings`, for this one.',
    );
  return settingsOn(base, input);
}
