import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as v from 'valibot';

const run = promisify(execFile);

/** Where the driver has its storage, and the headless host that reads it beside the window. */
export const placeSchema = v.object({ host: v.string(), repository: v.string(), storage: v.string() });

export type Place = v.InferOutput<typeof placeSchema>;

const taskSchema = v.object({
  type: v.literal('task'),
  task_id: v.string(),
  title: v.string(),
  outcome: v.string(),
  reason: v.nullable(v.string()),
  stages: v.array(v.object({ type: v.string(), attempt: v.number(), status: v.string() })),
});

export type RecordedTask = v.InferOutput<typeof taskSchema>;

/** The task of this title as it is recorded, once it is as `isWanted` says. Mocha's limit ends it. */
export async function recordedTask(
  place: Place,
  title: string,
  isWanted: (task: RecordedTask) => boolean,
): Promise<RecordedTask> {
  for (;;) {
    const task = (await recordedTasks(place)).find((each) => each.title === title);
    if (task !== undefined && isWanted(task)) return task;
    await pause(100);
  }
}

async function recordedTasks({ host, repository, storage }: Place): Promise<readonly RecordedTask[]> {
  const argv = [host, 'tasks', '--json', '--repo', repository, '--storage', storage];
  const { stdout } = await run(process.execPath, argv);
  return stdout
    .trim()
    .split('\n')
    .flatMap((line) => {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), taskSchema), line);
      return parsed.success ? [parsed.output] : [];
    });
}
