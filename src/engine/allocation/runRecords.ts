import { join } from 'node:path';
import * as v from 'valibot';
import { readIfPresent, runFiles } from '../process/runDirectory.ts';
import { isRegularFile } from './runFolder.ts';

const launchSchema = v.object({ containerId: v.string(), timeoutMs: v.number() });

/** Which container was to start a run, and how long the run may take. */
export type LaunchRecord = v.InferOutput<typeof launchSchema>;

/** null also for what is not as we wrote it: an agent can write there. */
export async function readLaunch(runDir: string): Promise<LaunchRecord | null> {
  const path = join(runDir, runFiles.launch);
  if (!(await isRegularFile(path))) return null;
  const text = await readIfPresent(path);
  try {
    const record = v.safeParse(launchSchema, JSON.parse(text ?? 'null'));
    return record.success ? record.output : null;
  } catch {
    return null;
  }
}
