import { join } from 'node:path';
import * as v from 'valibot';
import { readRecord, runFiles } from '../process/runDirectory.ts';

const launchSchema = v.object({ containerId: v.string(), timeoutMs: v.number() });

/** Which container was to start a run, and how long the run may take. */
export type LaunchRecord = v.InferOutput<typeof launchSchema>;

/** null also for what is not as we wrote it: an agent can write there. */
export async function readLaunch(runDir: string): Promise<LaunchRecord | null> {
  const text = await readRecord(join(runDir, runFiles.launch));
  try {
    const record = v.safeParse(launchSchema, JSON.parse(text ?? 'null'));
    return record.success ? record.output : null;
  } catch {
    return null;
  }
}
