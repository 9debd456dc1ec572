import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const schema = v.object({ pid: v.pipe(v.number(), v.integer()), holder: v.string(), command: v.string() });

/** Who holds the writer lock, for the message to whoever comes second. It says who, never whether: the kernel does that. */
export type OwnerRecord = v.InferOutput<typeof schema>;

const fileName = 'orchestrator.db.owner';

// A command line can be 2 MB; the message is for a person.
const longestCommand = 400;

/** Call while holding the lock. */
export function writeOwnerRecord(directory: string, holder: string): void {
  const command = process.argv.join(' ').slice(0, longestCommand);
  const record: OwnerRecord = { pid: process.pid, holder, command };
  const partial = join(directory, `${fileName}.${process.pid}`);
  writeFileSync(partial, JSON.stringify(record), { mode: 0o600 });
  renameSync(partial, join(directory, fileName));
}

export function removeOwnerRecord(directory: string): void {
  rmSync(join(directory, fileName), { force: true });
}

/** The owner's own record; null when it is not there, not whole, or of a process that no longer lives. */
export function readOwnerRecord(directory: string): OwnerRecord | null {
  let text: string;
  try {
    text = readFileSync(join(directory, fileName), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  return parsed.success && isAlive(parsed.output.pid) ? parsed.output : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
