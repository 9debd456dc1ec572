import { randomUUID } from 'node:crypto';
import { sealBundle } from '../../src/engine/context/digest.ts';
import { taskIdOf, type TaskId } from '../../src/engine/domain/ids.ts';
import type { PersonCommand } from '../../src/engine/domain/commands.ts';
import type { NewBundle } from '../../src/engine/ports/store.ts';
import { settingsFrom, type SettingsInput } from '../../src/engine/settings.ts';

/** The title of every task here: by it the played model knows its part. */
export const marker = 'Make the file';

/** A person's wish for a task, with the bundle that goes with it. */
export function newTask(settings: SettingsInput): {
  readonly id: TaskId;
  readonly command: PersonCommand;
  readonly bundles: readonly NewBundle[];
} {
  const id = taskIdOf(randomUUID());
  const [title, description] = [marker, 'Make `made.txt`.'];
  const { body, digest } = sealBundle({ type: 'request', format: 1, title, description });
  return {
    id,
    command: {
      type: 'create',
      taskId: id,
      title,
      description,
      priority: 0,
      settings: settingsFrom(settings),
      requestDigest: digest,
    },
    bundles: [{ digest, taskId: id, runId: null, stage: 'request', body }],
  };
}
