import { join } from 'node:path';
import * as v from 'valibot';
import { readIfPresent, runFiles } from '../process/runDirectory.ts';
import { isRegularFile } from './runFolder.ts';

const launchSchema = v.object({
  containerId: v.string(),
  execId: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  timeoutMs: v.number(),
});
const ownerSchema = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), startTime: v.number() });

/** Which command of which container a run is. */
export type LaunchRecord = v.InferOutput<typeof launchSchema>;
/** The run's wrapper inside the container: its pid there and its start in clock ticks. */
export type OwnerRecord = v.InferOutput<typeof ownerSchema>;

export function readLaunch(runDir: string): Promise<LaunchRecord | null> {
  return readRecord(join(runDir, runFiles.launch), launchSchema);
}

export function readOwner(runDir: string): Promise<OwnerRecord | null> {
  return readRecord(join(runDir, runFiles.owner), ownerSchema);
}

/** null also for what is not as we wrote it: an agent can write there. */
async function readRecord<Output>(
  path: string,
  schema: v.GenericSchema<unknown, Output>,
): Promise<Output | null> {
  if (!(await isRegularFile(path))) return null;
  const text = await readIfPresent(path);
  try {
    const record = v.safeParse(schema, JSON.parse(text ?? 'null'));
    return record.success ? record.output : null;
  } catch {
    return null;
  }
}
