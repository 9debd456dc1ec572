import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Task } from '../../src/engine/domain/task.ts';

/** What the engine ran for a stage, to be run again without it. */
export interface Command {
  readonly argv: readonly string[];
  /** Host path of what it got on its standard input. */
  readonly stdin: string;
}

const launchSchema = v.object({ argv: v.array(v.string()) });

/** The very command lines of a task's stages, in order. */
export async function commandsOf(storage: string, task: Task): Promise<readonly Command[]> {
  return Promise.all(
    task.runs.map(async ({ id }) => {
      const folder = join(storage, 'runs', ...id.split('/'));
      const { argv } = v.parse(launchSchema, JSON.parse(await readFile(join(folder, 'launch.json'), 'utf8')));
      return { argv, stdin: join(folder, 'stdin') };
    }),
  );
}

/** The same for another session: the CLI refuses to start one twice. */
export function anew(argv: readonly string[]): readonly string[] {
  return argv.map((word, index) => (argv[index - 1] === '--session-id' ? randomUUID() : word));
}
